import LensCore

/// A JSON value that keeps its members in order; what is no finite number becomes `null`.
package indirect enum JSON {
    case null
    case bool(Bool)
    case integer(Int)
    case number(Double)
    /// Written with as many digits as a float32 has.
    case float(Float)
    case string(String)
    case array([JSON])
    /// Nested arrays of a row-major tensor; of no axis, one number.
    case tensor([Float], shape: [Int], isInteger: Bool = false)
    case object([(String, JSON)])

    /// Of an object, in order; none of anything else.
    var members: [(String, JSON)] {
        if case .object(let members) = self { members } else { [] }
    }

    /// The value in one line, every character outside ASCII as it is.
    package var text: String {
        var text = ""
        write(to: &text)
        return text
    }

    private func write(to text: inout String) {
        switch self {
        case .null: text += "null"
        case .bool(let value): text += value ? "true" : "false"
        case .integer(let value): text += String(value)
        case .number(let value): text += value.isFinite ? "\(value)" : "null"
        case .float(let value): text += value.isFinite ? "\(value)" : "null"
        case .string(let value): Self.write(value, to: &text)
        case .array(let values):
            text += "["
            for (index, value) in values.enumerated() {
                if index > 0 { text += "," }
                value.write(to: &text)
            }
            text += "]"
        case .tensor(let values, let shape, let isInteger):
            Self.write(values[...], shape: shape[...], isInteger: isInteger, to: &text)
        case .object(let members):
            text += "{"
            for (index, (key, value)) in members.enumerated() {
                if index > 0 { text += "," }
                Self.write(key, to: &text)
                text += ":"
                value.write(to: &text)
            }
            text += "}"
        }
    }

    private static func write(
        _ values: ArraySlice<Float>, shape: ArraySlice<Int>, isInteger: Bool, to text: inout String
    ) {
        guard let size = shape.first else {
            let value = values.first ?? .nan
            (isInteger ? Int(exactly: value).map(JSON.integer) ?? .null : .float(value)).write(to: &text)
            return
        }
        text += "["
        let step = size > 0 ? values.count / size : 0
        for index in 0..<size {
            if index > 0 { text += "," }
            write(
                values.dropFirst(index * step).prefix(step), shape: shape.dropFirst(), isInteger: isInteger, to: &text)
        }
        text += "]"
    }

    private static func write(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"": text += "\\\""
            case "\\": text += "\\\\"
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            default:
                // Controls of both sets: a JSON text may end up on a terminal.
                if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
                    let hex = String(scalar.value, radix: 16)
                    text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
                } else {
                    text.unicodeScalars.append(scalar)
                }
            }
        }
        text += "\""
    }
}
