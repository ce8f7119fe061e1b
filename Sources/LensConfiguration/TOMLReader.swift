/// Reads TOML 1.0 as far as a configuration of lensd goes: tables, arrays of tables, strings in one line, whole numbers,
/// booleans and lists. What else TOML has is refused by name.
///
/// It is a reader of our own because what it is for is the line of every key and value: libraries say where a file is
/// no TOML, but not where a value of the wrong kind stands.
struct TOMLReader {
    /// What is wrong with a file, and where.
    struct Failure: Error, Equatable {
        let line: Int
        let message: String
    }

    private static let maximumNesting = 8

    private let bytes: [UInt8]
    private var position = 0
    private var line = 1

    private init(_ text: String) { bytes = Array(text.utf8) }

    /// The file's own table.
    static func read(_ text: String) throws(Failure) -> TOMLTable {
        var reader = TOMLReader(text)
        return try reader.file()
    }

    // MARK: - Lines

    private mutating func file() throws(Failure) -> TOMLTable {
        var root = try entries(of: TOMLTable(line: 1))
        while peek != nil {
            let header = try tableHeader()
            let headerLine = line
            try endOfLine()
            let table = try entries(of: TOMLTable(line: headerLine))
            if header.isArray {
                guard root.append(header.key, table) else { throw twice(header.key, at: headerLine) }
            } else {
                guard root[header.key] == nil else { throw twice(header.key, at: headerLine) }
                root.append(header.key, .table(table), line: headerLine)
            }
        }
        return root
    }

    /// Keys and values up to the next header.
    private mutating func entries(of table: TOMLTable) throws(Failure) -> TOMLTable {
        var table = table
        while true {
            skipBlank(andLines: true)
            guard let byte = peek, byte != UInt8(ascii: "[") else { return table }
            let keyLine = line
            let key = try key()
            skipBlank()
            guard take(UInt8(ascii: "=")) else { throw failure("expected '=' behind the key '\(key)'") }
            skipBlank()
            let value = try value(nesting: 0)
            guard table[key] == nil else { throw twice(key, at: keyLine) }
            table.append(key, value, line: keyLine)
            try endOfLine()
        }
    }

    private mutating func tableHeader() throws(Failure) -> (key: String, isArray: Bool) {
        position += 1
        let isArray = take(UInt8(ascii: "["))
        skipBlank()
        let key = try key()
        skipBlank()
        guard take(UInt8(ascii: "]")), !isArray || take(UInt8(ascii: "]")) else {
            throw failure("expected \(isArray ? "']]'" : "']'") behind '\(key)'")
        }
        return (key, isArray)
    }

    private mutating func key() throws(Failure) -> String {
        guard let first = peek else { throw failure("expected a key") }
        let key: String
        if first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") {
            key = try string()
        } else {
            let start = position
            while let byte = peek, Self.isBare(byte) { position += 1 }
            guard position > start else { throw failure("expected a key") }
            key = String(decoding: bytes[start..<position], as: UTF8.self)
        }
        guard peek != UInt8(ascii: ".") else { throw failure("dotted keys are not used here: '\(key).…'") }
        return key
    }

    // MARK: - Values

    private mutating func value(nesting: Int) throws(Failure) -> TOMLValue {
        switch peek {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .string(try string())
        case UInt8(ascii: "["): return .array(try array(nesting: nesting))
        case UInt8(ascii: "{"): throw failure("inline tables are not used here; write [[…]] and one key a line")
        default: break
        }
        let start = position
        while let byte = peek, Self.isBare(byte) || byte == UInt8(ascii: "+") || byte == UInt8(ascii: ".") {
            position += 1
        }
        let word = String(decoding: bytes[start..<position], as: UTF8.self)
        switch word {
        case "true": return .boolean(true)
        case "false": return .boolean(false)
        case "": throw failure("expected a value")
        default:
            guard let number = Self.integer(word) else {
                throw failure("'\(word.prefix(40))' is no value; texts stand in quotes, numbers are whole")
            }
            return .integer(number)
        }
    }

    private mutating func array(nesting: Int) throws(Failure) -> [TOMLValue] {
        guard nesting < Self.maximumNesting else { throw failure("lists are nested too deep") }
        position += 1
        var values: [TOMLValue] = []
        while true {
            skipBlank(andLines: true)
            if take(UInt8(ascii: "]")) { return values }
            values.append(try value(nesting: nesting + 1))
            skipBlank(andLines: true)
            guard take(UInt8(ascii: ",")) || peek == UInt8(ascii: "]") else {
                throw failure("expected ',' or ']' in the list")
            }
        }
    }

    private mutating func string() throws(Failure) -> String {
        guard let quote = peek else { throw failure("expected a text") }
        if bytes[position...].starts(with: [quote, quote, quote]) {
            throw failure("texts of several lines are not used here")
        }
        position += 1
        var text: [UInt8] = []
        while let byte = peek, byte != quote {
            guard byte >= 0x20 && byte != 0x7F || byte == UInt8(ascii: "\t") else { break }
            position += 1
            if byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") {
                text += try escape()
            } else {
                text.append(byte)
            }
        }
        guard take(quote) else { throw failure("the text does not end in its line") }
        return String(decoding: text, as: UTF8.self)
    }

    private mutating func escape() throws(Failure) -> [UInt8] {
        guard let byte = peek else { throw failure("the text does not end in its line") }
        position += 1
        switch byte {
        case UInt8(ascii: "n"): return [0x0A]
        case UInt8(ascii: "t"): return [0x09]
        case UInt8(ascii: "r"): return [0x0D]
        case UInt8(ascii: "b"): return [0x08]
        case UInt8(ascii: "f"): return [0x0C]
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): return [byte]
        case UInt8(ascii: "u"), UInt8(ascii: "U"):
            let digits = bytes[position...].prefix(byte == UInt8(ascii: "u") ? 4 : 8)
            let code = UInt32(String(decoding: digits, as: UTF8.self), radix: 16)
            guard let scalar = code.flatMap(Unicode.Scalar.init) else { throw failure("no character has this number") }
            position += digits.count
            return Array(String(scalar).utf8)
        default:
            throw failure("'\\\(String(decoding: [byte], as: UTF8.self))' is no escape; write '\\\\' for a backslash")
        }
    }

    /// Decimal with an optional sign and underscores between digits.
    private static func integer(_ word: String) -> Int? {
        let digits = word.first == "+" || word.first == "-" ? word.dropFirst() : word[...]
        let groups = digits.split(separator: "_", omittingEmptySubsequences: false)
        guard groups.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) else {
            return nil
        }
        guard digits.first != "0" || digits == "0" else { return nil }
        return Int(word.replacing("_", with: ""))
    }

    // MARK: - Characters

    private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

    private mutating func take(_ byte: UInt8) -> Bool {
        guard peek == byte else { return false }
        position += 1
        return true
    }

    private static func isBare(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    /// Passes over blanks and comments, and line ends too where they mean nothing.
    private mutating func skipBlank(andLines: Bool = false) {
        while let byte = peek {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): position += 1
            case UInt8(ascii: "\r") where bytes[position...].starts(with: [0x0D, 0x0A]): position += 1
            case UInt8(ascii: "\n"):
                guard andLines else { return }
                position += 1
                line += 1
            case UInt8(ascii: "#"):
                while let byte = peek, byte != UInt8(ascii: "\n") { position += 1 }
            default: return
            }
        }
    }

    private mutating func endOfLine() throws(Failure) {
        skipBlank()
        guard peek == nil || peek == UInt8(ascii: "\n") else { throw failure("expected the end of the line") }
    }

    private func failure(_ message: String) -> Failure { Failure(line: line, message: message) }

    private func twice(_ key: String, at line: Int) -> Failure {
        Failure(line: line, message: "'\(key)' is there twice")
    }
}
