import FoundationEssentials
import LensCore

/// The 128 random bits that name a session or a run; 32 hexadecimal digits to people.
struct RunIdentifier: Hashable, Sendable {
    let bytes: [UInt8]

    static func random() -> RunIdentifier {
        var generator = SystemRandomNumberGenerator()
        return RunIdentifier(bytes: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
    }

    init(bytes: [UInt8]) {
        self.bytes = bytes
    }

    /// Reads the column of an id.
    init(stored data: Data) throws(LensError) {
        guard data.count == 16 else {
            throw .dataLoss("an id in the session database has \(data.count) bytes, expected 16")
        }
        bytes = Array(data)
    }

    var data: Data { Data(bytes) }

    var text: String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }
}

/// How a user names one of their own runs: an id, a prefix of one, or `last`.
enum RunReference: Hashable, Sendable {
    case last
    /// Every id from `lowest` to `highest` begins with the digits that were given.
    case prefix(lowest: RunIdentifier, highest: RunIdentifier)

    static let shortestPrefix = 4

    init(parsing text: String) throws(LensError) {
        if text == "last" {
            self = .last
            return
        }
        let nibbles = text.utf8.prefix(33).compactMap(Self.nibble)
        guard nibbles.count == text.utf8.count, (Self.shortestPrefix...32).contains(nibbles.count) else {
            throw .invalidArgument(
                "a run is named by its id, by \(Self.shortestPrefix) to 32 of the id's first hexadecimal digits, "
                    + "or by 'last'; received \(text.quotedForMessage)")
        }
        self = .prefix(lowest: Self.padded(nibbles, with: 0), highest: Self.padded(nibbles, with: 15))
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func padded(_ nibbles: [UInt8], with filler: UInt8) -> RunIdentifier {
        let whole = nibbles + [UInt8](repeating: filler, count: 32 - nibbles.count)
        return RunIdentifier(bytes: stride(from: 0, to: 32, by: 2).map { whole[$0] << 4 | whole[$0 + 1] })
    }
}
