/// The bytes of a text that is known to be UTF-8, read character by character from either side.
struct ValidUTF8 {
    let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The code point that begins at `position`, and its length in bytes.
    @inline(__always)
    func character(at position: Int) -> (code: UInt32, length: Int) {
        let lead = bytes[position]
        if lead < 0x80 { return (UInt32(lead), 1) }
        return multibyteCharacter(at: position, lead: lead)
    }

    /// The code point that ends before `position`, and its length in bytes.
    func character(before position: Int) -> (code: UInt32, length: Int) {
        var start = position - 1
        while start > 0, UTF8.isContinuation(bytes[start]) { start -= 1 }
        return character(at: start)
    }

    /// The class of the character that begins at `position`, and its length in bytes.
    @inline(__always)
    func classed(at position: Int) -> (CharacterClass, length: Int) {
        let (code, length) = character(at: position)
        return (CharacterClasses.all[code], length)
    }

    /// Whether some bytes stand at a place.
    @inline(__always)
    func holds(_ part: [UInt8], at position: Int, before end: Int) -> Bool {
        guard position + part.count <= end else { return false }
        for offset in 0..<part.count where bytes[position + offset] != part[offset] { return false }
        return true
    }

    /// Some of it with every occurrence of a part replaced, from left to right.
    func replacing(_ part: [UInt8], by content: [UInt8], in range: Range<Int>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(range.count)
        guard let first = part.first else { return Array(bytes[range]) }
        var position = range.lowerBound
        while position < range.upperBound {
            if bytes[position] == first, holds(part, at: position, before: range.upperBound) {
                result += content
                position += part.count
            } else {
                result.append(bytes[position])
                position += 1
            }
        }
        return result
    }

    private func multibyteCharacter(at position: Int, lead: UInt8) -> (code: UInt32, length: Int) {
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard position + length <= bytes.count else { return (0xFFFD, 1) }
        var code = UInt32(lead) & (0x7F &>> UInt32(length))
        for offset in 1..<length { code = code &<< 6 | UInt32(bytes[position + offset] & 0x3F) }
        return (min(code, 0x10FFFF), length)
    }
}
