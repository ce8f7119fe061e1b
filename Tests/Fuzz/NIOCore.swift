// Stands in for swift-nio, whose buffers are not what is fuzzed here and would have to be built with sanitizers too: as
// much of them as cutting frames takes.

public enum Endianness { case big }

public struct ByteBuffer {
    private var bytes: [UInt8]
    public private(set) var readerIndex = 0

    public init(bytes: some Sequence<UInt8>) { self.bytes = Array(bytes) }

    public var readableBytes: Int { bytes.count - readerIndex }
    public var capacity: Int { bytes.count }

    public func getInteger<T: FixedWidthInteger>(at index: Int, endianness: Endianness, as: T.Type) -> T? {
        guard index >= 0, index + MemoryLayout<T>.size <= bytes.count else { return nil }
        return bytes[index..<index + MemoryLayout<T>.size].reduce(0) { $0 << 8 | T(truncatingIfNeeded: $1) }
    }

    public mutating func moveReaderIndex(forwardBy count: Int) {
        precondition(count >= 0 && count <= readableBytes, "a reader behind its buffer")
        readerIndex += count
    }

    public mutating func readSlice(length: Int) -> ByteBuffer? {
        guard length >= 0, length <= readableBytes else { return nil }
        defer { readerIndex += length }
        return ByteBuffer(bytes: bytes[readerIndex..<readerIndex + length])
    }

    public mutating func write(_ more: some Sequence<UInt8>) { bytes += more }

    public func withUnsafeReadableBytes<R, E: Error>(_ body: (UnsafeRawBufferPointer) throws(E) -> R) throws(E) -> R {
        let readable = Array(bytes[readerIndex...])
        let result = readable.withUnsafeBytes { bytes in Result { () throws(E) in try body(bytes) } }
        return try result.get()
    }
}

public protocol NIOSingleStepByteToMessageDecoder {
    associatedtype InboundOut
    mutating func decode(buffer: inout ByteBuffer) throws -> InboundOut?
    mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> InboundOut?
    func shouldReclaimBytes(buffer: ByteBuffer) -> Bool
}
