import LensCore

/// A value in a JSON text that was checked whole and is read where it stands: no tree is built.
///
/// Every accessor throws `INVALID_ARGUMENT` naming the file and the value where it is of another kind.
package struct JSONValue: Sendable {
    package enum Kind: String, Sendable {
        case object = "an object"
        case array = "an array"
        case string = "a string"
        case number = "a number"
        case boolean = "a boolean"
        case null
    }

    private let source: Source
    private let position: Int
    /// The key that led here; the file's name for the outermost value.
    package let name: String

    private final class Source: Sendable {
        let bytes: [UInt8]
        let file: String

        init(bytes: [UInt8], file: String) {
            self.bytes = bytes
            self.file = file
        }
    }

    /// Checks a whole text, one value with white space around it.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not JSON, not UTF-8 or nested too deep, with the byte where it shows.
    package init(parsing bytes: [UInt8], file: String) throws(LensError) {
        var scanner = JSONScanner(bytes, file: file)
        scanner.skipSpace()
        let start = scanner.position
        try scanner.skipValue()
        scanner.skipSpace()
        guard scanner.next == nil else { throw scanner.unexpected("the end") }
        self.init(source: Source(bytes: bytes, file: file), position: start, name: file)
    }

    private init(source: Source, position: Int, name: String) {
        self.source = source
        self.position = position
        self.name = name
    }

    /// The text's name in errors.
    package var file: String { source.file }

    private var scanner: JSONScanner { JSONScanner(source.bytes, file: source.file, position: position) }

    package var kind: Kind {
        switch scanner.next {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .boolean
        case UInt8(ascii: "n"): .null
        default: .number
        }
    }

    package func string() throws(LensError) -> String {
        String(decoding: try utf8(), as: UTF8.self)
    }

    /// A string's beginning, as errors show it.
    package func excerpt() throws(LensError) -> String {
        let text = try string()
        return text.unicodeScalars.count <= 64
            ? text : String(String.UnicodeScalarView(text.unicodeScalars.prefix(64))) + "…"
    }

    /// A string's UTF-8, for those who must not mix up what is canonically equivalent.
    package func utf8() throws(LensError) -> [UInt8] {
        try expect(.string)
        var scanner = scanner
        return Self.decode(try scanner.scanString(), in: source.bytes, file: source.file)
    }

    package func bool() throws(LensError) -> Bool {
        try expect(.boolean)
        return scanner.next == UInt8(ascii: "t")
    }

    /// A number written without fraction or exponent, in a range.
    package func integer(in range: ClosedRange<Int>) throws(LensError) -> Int {
        try expect(.number)
        let text = try numberText()
        // Minus zero is no integer to other readers.
        guard let value = Int(text), text != "-0" else {
            throw error("must be an integer of 64 bits; received \(text)")
        }
        guard range.contains(value) else {
            throw error("must be in \(range.lowerBound)...\(range.upperBound); received \(value)")
        }
        return value
    }

    /// A finite number.
    package func double() throws(LensError) -> Double {
        try expect(.number)
        let text = try numberText()
        guard let value = Double(text), value.isFinite else { throw error("must be a finite number; received \(text)") }
        return value
    }

    /// Visits an object's members in their order, repeated keys too.
    package func forEachMember(
        _ body: (_ key: String, _ value: JSONValue) throws(LensError) -> Void
    ) throws(LensError) {
        try expect(.object)
        var scanner = scanner
        scanner.position += 1
        var isFirst = true
        while try scanner.advance(to: UInt8(ascii: "}"), isFirst: &isFirst) {
            let scanned = try scanner.scanKey()
            let key = String(
                decoding: Self.decode(scanned, in: source.bytes, file: source.file), as: UTF8.self)
            try body(key, JSONValue(source: source, position: scanner.position, name: key))
            try scanner.skipValue()
        }
    }

    /// Visits an array's elements in their order.
    package func forEachElement(_ body: (JSONValue) throws(LensError) -> Void) throws(LensError) {
        try expect(.array)
        var scanner = scanner
        scanner.position += 1
        var isFirst = true
        while try scanner.advance(to: UInt8(ascii: "]"), isFirst: &isFirst) {
            try body(JSONValue(source: source, position: scanner.position, name: name))
            try scanner.skipValue()
        }
    }

    /// An object's members by key; a repeated key is refused.
    package func object() throws(LensError) -> JSONObject {
        var members: [String: JSONValue] = [:]
        try forEachMember { key, value throws(LensError) in
            guard members.updateValue(value, forKey: key) == nil else { throw error("has the key '\(key)' twice") }
        }
        return JSONObject(value: self, members: members)
    }

    /// An error about this value: `config.json: hidden_size must be …`.
    package func error(_ message: String, code: StatusCode = .invalidArgument) -> LensError {
        LensError(code, name == source.file ? "\(source.file) \(message)" : "\(source.file): \(name) \(message)")
    }

    private func expect(_ expected: Kind) throws(LensError) {
        guard kind == expected else { throw error("must be \(expected.rawValue); found \(kind.rawValue)") }
    }

    private func numberText() throws(LensError) -> String {
        var scanner = scanner
        let text = String(decoding: source.bytes[try scanner.scanNumber()], as: UTF8.self)
        return text.utf8.count <= 64 ? text : "a number of \(text.utf8.count) digits"
    }

    private static func decode(_ string: JSONString, in bytes: [UInt8], file: String) -> [UInt8] {
        guard !string.isPlain else { return Array(bytes[string.range]) }
        var result: [UInt8] = []
        result.reserveCapacity(string.range.count)
        var scanner = JSONScanner(bytes, file: file, position: string.range.lowerBound)
        while scanner.position < string.range.upperBound, let byte = scanner.next {
            if byte == UInt8(ascii: "\\"), let scalar = try? scanner.scanEscape() {
                result.append(contentsOf: Unicode.UTF8.encode(scalar) ?? .init())
            } else {
                result.append(byte)
                scanner.position += 1
            }
        }
        return result
    }
}

/// A JSON object's members by key.
package struct JSONObject: Sendable {
    fileprivate let value: JSONValue
    package let members: [String: JSONValue]

    /// A member that must be there and must not be null.
    package func required(_ key: String) throws(LensError) -> JSONValue {
        guard let member = members[key] else { throw value.error("lacks the key '\(key)'") }
        guard member.kind != .null else { throw member.error("must not be null") }
        return member
    }

    /// A member that may be absent or null.
    package func optional(_ key: String) -> JSONValue? {
        members[key].flatMap { $0.kind == .null ? nil : $0 }
    }
}
