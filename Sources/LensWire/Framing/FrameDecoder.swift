package import LensCore
package import NIOCore

/// Cuts a byte stream into frames: a 4-byte big-endian length and that many bytes.
///
/// The length is held against its limit before anything of the frame is waited for or kept.
package struct FrameDecoder: NIOSingleStepByteToMessageDecoder {
    package typealias InboundOut = ByteBuffer

    private let maxFirstBytes: Int
    private let maxBytes: Int
    private var isFirst = true

    /// - Parameters:
    ///   - maxFirstBytes: the longest first frame (the `Hello`), in bytes.
    ///   - maxBytes: the longest frame after it, in bytes.
    package init(maxFirstBytes: Int, maxBytes: Int) {
        self.maxFirstBytes = maxFirstBytes
        self.maxBytes = maxBytes
    }

    /// - Throws: `INVALID_ARGUMENT` for a length of zero, `RESOURCE_EXHAUSTED` for one over the limit.
    package mutating func decode(buffer: inout ByteBuffer) throws -> ByteBuffer? {
        guard let length = buffer.getInteger(at: buffer.readerIndex, endianness: .big, as: UInt32.self) else {
            return nil
        }
        try Self.check(length: length, limit: isFirst ? maxFirstBytes : maxBytes)
        guard buffer.readableBytes >= WireProtocol.prefixBytes + Int(length) else { return nil }
        buffer.moveReaderIndex(forwardBy: WireProtocol.prefixBytes)
        isFirst = false
        return buffer.readSlice(length: Int(length))
    }

    package mutating func decodeLast(buffer: inout ByteBuffer, seenEOF: Bool) throws -> ByteBuffer? {
        try decode(buffer: &buffer)
    }

    /// Big frames are moved to the front of the buffer as rarely as small ones: once half of it has been read.
    package func shouldReclaimBytes(buffer: ByteBuffer) -> Bool {
        buffer.readerIndex > buffer.capacity / 2
    }

    /// Judges a frame by its length alone.
    package static func check(length: UInt32, limit: Int) throws(LensError) {
        guard length > 0 else { throw .invalidArgument("a frame has at least 1 byte; received a length of 0") }
        guard length <= limit else {
            throw .resourceExhausted("a frame has at most \(limit) bytes here; received a length of \(length)")
        }
    }
}
