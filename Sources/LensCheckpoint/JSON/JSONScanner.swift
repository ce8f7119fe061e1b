import LensCore

/// Walks over the bytes of a JSON text (RFC 8259) without building anything from them.
///
/// Written here because a checkpoint's files come from strangers: the nesting is bounded, so that no input overflows
/// the stack, and nothing is kept of a value, so that no input grows in memory.
struct JSONScanner {
    /// How deep arrays and objects may stand in each other; real files stay below 10.
    static let depthLimit = 64
    /// Bytes that a key may have, so that errors can show it; names of tensors and tokens stay far below.
    static let keyLimit = 4096

    let bytes: [UInt8]
    /// The name that errors give the text, such as `config.json`.
    let file: String
    var position = 0

    init(_ bytes: [UInt8], file: String, position: Int = 0) {
        self.bytes = bytes
        self.file = file
        self.position = position
    }

    /// The byte the scanner stands before; `nil` at the end.
    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    mutating func skipSpace() {
        while let byte = next, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
    }

    /// Steps over one value of any kind and checks it.
    mutating func skipValue(depth: Int = 0) throws(LensError) {
        guard depth <= Self.depthLimit else {
            throw .invalidArgument("\(file): JSON is nested deeper than \(Self.depthLimit) at byte \(position)")
        }
        switch next {
        case UInt8(ascii: "{"):
            position += 1
            var isFirst = true
            while try advance(to: UInt8(ascii: "}"), isFirst: &isFirst) {
                _ = try scanKey()
                try skipValue(depth: depth + 1)
            }
        case UInt8(ascii: "["):
            position += 1
            var isFirst = true
            while try advance(to: UInt8(ascii: "]"), isFirst: &isFirst) { try skipValue(depth: depth + 1) }
        case UInt8(ascii: "\""): _ = try scanString()
        case UInt8(ascii: "t"): try skip("true")
        case UInt8(ascii: "f"): try skip("false")
        case UInt8(ascii: "n"): try skip("null")
        default: _ = try scanNumber()
        }
    }

    /// Steps to the next item of the object or array the scanner is in; false once it stepped over the closing bracket.
    mutating func advance(to close: UInt8, isFirst: inout Bool) throws(LensError) -> Bool {
        skipSpace()
        if next == close {
            position += 1
            return false
        }
        if !isFirst {
            guard next == UInt8(ascii: ",") else { throw unexpected("',' or '\(Character(.init(close)))'") }
            position += 1
            skipSpace()
            if next == close { throw unexpected("another item") }
        }
        isFirst = false
        return true
    }

    /// Steps over a member's key and colon to its value.
    mutating func scanKey() throws(LensError) -> JSONString {
        let start = position
        let key = try scanString()
        guard key.range.count <= Self.keyLimit else {
            throw .invalidArgument(
                "\(file): a key may have at most \(Self.keyLimit) bytes; that at byte \(start) has \(key.range.count)"
            )
        }
        skipSpace()
        guard next == UInt8(ascii: ":") else { throw unexpected("':'") }
        position += 1
        skipSpace()
        return key
    }

    /// Steps over a string.
    mutating func scanString() throws(LensError) -> JSONString {
        guard next == UInt8(ascii: "\"") else { throw unexpected("a string") }
        position += 1
        let start = position
        var isPlain = true
        var isASCII = true
        while let byte = next, byte != UInt8(ascii: "\"") {
            guard byte >= 0x20 else { throw unexpected("a string without control characters") }
            if byte == UInt8(ascii: "\\") {
                isPlain = false
                _ = try scanEscape()
            } else {
                if byte >= 0x80 { isASCII = false }
                position += 1
            }
        }
        guard next != nil else { throw unexpected("the end of a string") }
        let range = start..<position
        position += 1
        guard isASCII || String(validating: bytes[range], as: UTF8.self) != nil else {
            throw .invalidArgument("\(file): the string at byte \(start) is not UTF-8")
        }
        return JSONString(range: range, isPlain: isPlain)
    }

    /// Steps over a backslash and what belongs to it.
    mutating func scanEscape() throws(LensError) -> Unicode.Scalar {
        position += 1
        guard let byte = next else { throw unexpected("an escape") }
        position += 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return Unicode.Scalar(byte)
        case UInt8(ascii: "b"): return "\u{8}"
        case UInt8(ascii: "f"): return "\u{C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"):
            let unit = try scanHexadecimal()
            if let scalar = Unicode.Scalar(unit) { return scalar }
            // A surrogate: only a high one followed by a low one makes a character.
            guard unit < 0xDC00, next == UInt8(ascii: "\\") else { throw unexpected("a pair of surrogates") }
            position += 1
            guard next == UInt8(ascii: "u") else { throw unexpected("a pair of surrogates") }
            position += 1
            let low = try scanHexadecimal()
            guard (0xDC00..<0xE000).contains(low),
                let scalar = Unicode.Scalar(0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF))
            else { throw unexpected("a pair of surrogates") }
            return scalar
        default:
            position -= 1
            throw unexpected("an escape")
        }
    }

    private mutating func scanHexadecimal() throws(LensError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            switch next {
            case .some(let byte) where UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte:
                value = value << 4 | UInt32(byte & 15)
            case .some(let byte) where UInt8(ascii: "a")...UInt8(ascii: "f") ~= byte | 0x20:
                value = value << 4 | (UInt32(byte & 15) + 9)
            default: throw unexpected("a hexadecimal digit")
            }
            position += 1
        }
        return value
    }

    /// Steps over a number and returns its bytes' range.
    mutating func scanNumber() throws(LensError) -> Range<Int> {
        let start = position
        if next == UInt8(ascii: "-") { position += 1 }
        if next == UInt8(ascii: "0") {
            position += 1
        } else {
            try skipDigits(orExpect: position == start ? "a value" : "a digit")
        }
        if next == UInt8(ascii: ".") {
            position += 1
            try skipDigits(orExpect: "a digit")
        }
        if next == UInt8(ascii: "e") || next == UInt8(ascii: "E") {
            position += 1
            if next == UInt8(ascii: "+") || next == UInt8(ascii: "-") { position += 1 }
            try skipDigits(orExpect: "a digit")
        }
        return start..<position
    }

    private mutating func skipDigits(orExpect what: String) throws(LensError) {
        let start = position
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte { position += 1 }
        guard position > start else { throw unexpected(what) }
    }

    private mutating func skip(_ literal: StaticString) throws(LensError) {
        let isThere = literal.withUTF8Buffer { bytes[position...].starts(with: $0) }
        guard isThere else { throw unexpected("a value") }
        position += literal.utf8CodeUnitCount
    }

    func unexpected(_ expected: String) -> LensError {
        let found =
            switch next {
            case nil: "the end"
            case .some(let byte) where 0x21..<0x7F ~= byte: "'\(Character(Unicode.Scalar(byte)))'"
            case .some(let byte): "byte 0x\(String(byte, radix: 16, uppercase: true))"
            }
        return .invalidArgument("\(file) is not JSON: expected \(expected) at byte \(position); found \(found)")
    }
}

/// Where a string's characters stand between their quotes.
struct JSONString {
    let range: Range<Int>
    /// Whether there is no escape among them.
    let isPlain: Bool
}
