// Stands in for swift-crypto, whose hashing is not what is fuzzed here and would have to be built with sanitizers too.

public struct SHA256 {
    public typealias Digest = SHA256Digest

    private var state: UInt64 = 0xCBF2_9CE4_8422_2325

    public init() {}

    public mutating func update(data: some Sequence<UInt8>) {
        for byte in data { state = (state ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    public mutating func update(bufferPointer: UnsafeRawBufferPointer) {
        update(data: bufferPointer)
    }

    public func finalize() -> SHA256Digest {
        SHA256Digest(bytes: withUnsafeBytes(of: state) { Array($0) })
    }

    public static func hash(data: some Sequence<UInt8>) -> SHA256Digest {
        var hash = SHA256()
        hash.update(data: data)
        return hash.finalize()
    }
}

public struct SHA256Digest: Sendable, Equatable, Sequence {
    let bytes: [UInt8]

    public func makeIterator() -> Array<UInt8>.Iterator { bytes.makeIterator() }
}
