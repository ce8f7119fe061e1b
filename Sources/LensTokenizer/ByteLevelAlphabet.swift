/// The 256 characters that stand for bytes in a byte-level vocabulary: printable Latin-1 for itself, the other bytes
/// for U+0100 and on. Ported from GPT-2's `bytes_to_unicode`.
enum ByteLevelAlphabet {
    /// The character of each byte.
    static let characters: [Unicode.Scalar] = {
        var shifted: UInt32 = 0x100
        return (0...UInt8.max).map { byte in
            switch byte {
            case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return Unicode.Scalar(byte)
            default:
                defer { shifted += 1 }
                return Unicode.Scalar(shifted) ?? Unicode.Scalar(byte)
            }
        }
    }()

    private static let bytes: [Unicode.Scalar: UInt8] = Dictionary(
        zip(characters, 0...UInt8.max), uniquingKeysWith: { first, _ in first })

    /// The bytes that a token's spelling stands for; a spelling with a character from outside stands for itself.
    static func bytes(of spelling: [UInt8]) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(spelling.count)
        for scalar in String(decoding: spelling, as: UTF8.self).unicodeScalars {
            guard let byte = bytes[scalar] else { return spelling }
            result.append(byte)
        }
        return result
    }

    /// How a byte is spelled in a vocabulary, in UTF-8.
    static func spelling(of byte: UInt8) -> [UInt8] {
        Array(String(Character(characters[Int(byte)])).utf8)
    }
}
