/// A size as people write it: `512M`, `8G`, `1.5GiB`; factors of 1024.
public struct ByteCount: Sendable, Hashable {
    public let bytes: Int

    public init(bytes: Int) { self.bytes = bytes }

    /// `nil` for what is no size above zero.
    public init?(_ text: String) {
        let digits = text.prefix { $0.isASCII && ($0.isNumber || $0 == ".") }
        let unit = text.dropFirst(digits.count).uppercased()
        let shifts = ["": 0, "B": 0, "K": 10, "KIB": 10, "M": 20, "MIB": 20, "G": 30, "GIB": 30, "T": 40, "TIB": 40]
        guard let number = Double(digits), let shift = shifts[unit] else { return nil }
        let bytes = number * Double(1 << shift)
        guard bytes >= 1, bytes < Double(1 << 56) else { return nil }
        self.bytes = Int(bytes)
    }
}

extension ByteCount: CustomStringConvertible {
    /// In the largest unit that leaves a whole number.
    public var description: String {
        for (unit, shift) in [("G", 30), ("M", 20), ("K", 10)] where bytes.isMultiple(of: 1 << shift) {
            return "\(bytes >> shift)\(unit)"
        }
        return "\(bytes)"
    }
}
