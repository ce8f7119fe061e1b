/// The bytes of a text that is known to be UTF-8, read character by character from either side.
struct ValidUTF8 {
    let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// The character that begins at `position`, and its length in bytes.
    @inline(__always)
    func scalar(at position: Int) -> (scalar: Unicode.Scalar, length: Int) {
        let lead = bytes[position]
        if lead < 0x80 { return (Unicode.Scalar(lead), 1) }
        return multibyteScalar(at: position, lead: lead)
    }

    /// The character that ends before `position`, and its length in bytes.
    func scalar(before position: Int) -> (scalar: Unicode.Scalar, length: Int) {
        var start = position - 1
        while start > 0, UTF8.isContinuation(bytes[start]) { start -= 1 }
        return scalar(at: start)
    }

    private func multibyteScalar(at position: Int, lead: UInt8) -> (scalar: Unicode.Scalar, length: Int) {
        let length = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4
        guard position + length <= bytes.count else { return ("\u{FFFD}", 1) }
        var value = UInt32(lead) & (0x7F &>> UInt32(length))
        for offset in 1..<length { value = value &<< 6 | UInt32(bytes[position + offset] & 0x3F) }
        return (Unicode.Scalar(value) ?? "\u{FFFD}", length)
    }
}
