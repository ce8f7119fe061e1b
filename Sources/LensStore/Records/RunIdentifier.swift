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

    /// Reads a whole id, 32 hexadecimal digits.
    init(parsing text: String) throws(LensError) {
        guard case .prefix(let lowest, let highest) = try RunReference(parsing: text), lowest == highest else {
            throw .invalidArgument("a whole id has 32 hexadecimal digits; received \(text.quotedForMessage)")
        }
        self = lowest
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
