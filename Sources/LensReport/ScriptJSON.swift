/// JSON that may stand inside a `<script>` element whatever its strings hold.
///
/// Everything but plain ASCII, and `<`, `>` and `&` too, is written as `\uXXXX`: no string can end the element, open
/// a comment, break a line or turn the direction of the source.
package indirect enum ScriptJSON {
    /// `null` where the value is not finite.
    case number(Double)
    case float(Float)
    case integer(Int)
    case string(String)
    /// A string with the bytes in base 64.
    case base64([UInt8])
    case array([ScriptJSON])
    case object([(String, ScriptJSON)])
    case bool(Bool)
    case null

    /// The JSON text.
    package var text: String {
        var output: [UInt8] = []
        append(to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    private func append(to output: inout [UInt8]) {
        switch self {
        case .number(let value): output += (value.isFinite ? "\(value)" : "null").utf8
        case .float(let value): output += (value.isFinite ? "\(value)" : "null").utf8
        case .integer(let value): output += "\(value)".utf8
        case .string(let text): Self.append(text, to: &output)
        case .base64(let bytes):
            output.append(UInt8(ascii: "\""))
            Base64.encode(bytes, into: &output)
            output.append(UInt8(ascii: "\""))
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.append(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, (name, value)) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                Self.append(name, to: &output)
                output.append(UInt8(ascii: ":"))
                value.append(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        case .bool(let value): output += (value ? "true" : "false").utf8
        case .null: output += "null".utf8
        }
    }

    private static func append(_ text: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        for unit in text.utf16 {
            switch unit {
            case 0x22, 0x5C:  // " and \
                output += [UInt8(ascii: "\\"), UInt8(truncatingIfNeeded: unit)]
            case 0x26, 0x3C, 0x3E:  // & < >
                appendEscape(unit, to: &output)
            case 0x20...0x7E:
                output.append(UInt8(truncatingIfNeeded: unit))
            default:
                appendEscape(unit, to: &output)
            }
        }
        output.append(UInt8(ascii: "\""))
    }

    private static let digits = Array("0123456789abcdef".utf8)

    private static func appendEscape(_ unit: UInt16, to output: inout [UInt8]) {
        output += [UInt8(ascii: "\\"), UInt8(ascii: "u")]
        for shift in [12, 8, 4, 0] as [UInt16] {
            output.append(digits[Int(unit >> shift & 15)])
        }
    }
}
