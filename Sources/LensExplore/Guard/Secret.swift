/// 256 random bits as text for addresses and headers: 64 hexadecimal digits.
struct Secret: Sendable {
    let text: String

    /// From the system's generator.
    init() {
        var generator = SystemRandomNumberGenerator()
        let digits = Array("0123456789abcdef".utf8)
        var bytes: [UInt8] = []
        for _ in 0..<4 {
            let word: UInt64 = generator.next()
            for shift in stride(from: UInt64(60), through: 0, by: -4) { bytes.append(digits[Int(word >> shift & 15)]) }
        }
        text = String(decoding: bytes, as: UTF8.self)
    }

    /// Whether somebody knows it; takes the same time wherever a guess goes wrong.
    func matches(_ guess: some StringProtocol) -> Bool {
        let own = Array(text.utf8)
        let other = Array(guess.utf8)
        guard own.count == other.count else { return false }
        var difference: UInt8 = 0
        for (left, right) in zip(own, other) { difference |= left ^ right }
        return difference == 0
    }
}
