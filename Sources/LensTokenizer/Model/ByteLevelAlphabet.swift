/// The 256 characters that stand for bytes in a byte-level vocabulary: printable Latin-1 for itself, the other bytes
/// for U+0100 and on. Ported from GPT-2's `bytes_to_unicode`.
enum ByteLevelAlphabet {
    /// The character of each byte, in UTF-8.
    private static let spellings: [[UInt8]] = {
        var shifted: UInt32 = 0x100
        return (0...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E: return [byte]
            case 0xA1...0xAC, 0xAE...0xFF: return [0xC0 | byte >> 6, 0x80 | byte & 0x3F]
            default:
                defer { shifted += 1 }
                return [UInt8(0xC0 | shifted >> 6), UInt8(0x80 | shifted & 0x3F)]
            }
        }
    }()

    /// The byte of each character below U+0144; -1 for a character that is not of the alphabet.
    private static let bytes: [Int16] = {
        var bytes = [Int16](repeating: -1, count: 0x144)
        for (byte, spelling) in spellings.enumerated() {
            bytes[Int(ValidUTF8(spelling).character(at: 0).code)] = Int16(byte)
        }
        return bytes
    }()

    /// The bytes that a token's spelling stands for; a spelling with a character from outside stands for itself.
    static func bytes(of spelling: [UInt8]) -> [UInt8] { spelledBytes(of: spelling) ?? spelling }

    /// The bytes that a token's spelling stands for; `nil` for one with a character from outside.
    static func spelledBytes(of spelling: [UInt8]) -> [UInt8]? {
        let text = ValidUTF8(spelling)
        var result: [UInt8] = []
        result.reserveCapacity(spelling.count)
        var position = 0
        while position < spelling.count {
            let (code, length) = text.character(at: position)
            guard code < bytes.count, bytes[Int(code)] >= 0 else { return nil }
            result.append(UInt8(truncatingIfNeeded: bytes[Int(code)]))
            position += length
        }
        return result
    }

    /// How a byte is spelled in a vocabulary, in UTF-8.
    static func spelling(of byte: UInt8) -> [UInt8] { spellings[Int(byte)] }
}
