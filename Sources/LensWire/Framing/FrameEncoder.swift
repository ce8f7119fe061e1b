package import LensCore
package import NIOCore

/// Makes frames, their length in front.
package enum FrameEncoder {
    /// Appends a whole frame to `buffer`.
    static func append(_ frame: ServerFrame, to buffer: inout ByteBuffer) throws(LensError) {
        var target = buffer
        buffer = ByteBuffer()
        defer { buffer = target }
        try Coding.serverFrame.encode(frame) { size, write in
            target.writeInteger(UInt32(truncatingIfNeeded: size), endianness: .big)
            target.append(byteCount: size, write)
        }
    }

    /// A frame that carries one reply message, encoded in its place; the bytes are those of
    /// `ServerFrame(callID:, .message(…))`, without the copies (a message may have megabytes).
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` for a message that does not fit a frame.
    package static func reply<Value>(
        _ value: Value, _ coding: Coding<Value>, callID: UInt32, limit: Int = WireProtocol.maxReplyBytes
    ) throws(LensError) -> (frame: ByteBuffer, messageBytes: Int) {
        var buffer = ByteBuffer()
        var messageBytes = 0
        try coding.encode(value) { size, write in
            messageBytes = size
            guard size <= limit - WireProtocol.frameOverhead else { return }
            buffer.reserveCapacity(size + WireProtocol.frameOverhead + WireProtocol.prefixBytes)
            buffer.moveWriterIndex(to: WireProtocol.prefixBytes)
            buffer.writeVarint(1 << 3 | 0)  // call_id
            buffer.writeVarint(callID)
            buffer.writeVarint(3 << 3 | 2)  // message
            buffer.writeVarint(UInt32(truncatingIfNeeded: size))
            buffer.append(byteCount: size, write)
            let length = UInt32(truncatingIfNeeded: buffer.readableBytes - WireProtocol.prefixBytes)
            buffer.setInteger(length, at: 0, endianness: .big)
        }
        guard buffer.readableBytes > 0 else {
            throw .resourceExhausted(
                "a reply has at most \(limit - WireProtocol.frameOverhead) bytes; this one has \(messageBytes): "
                    + "ask for less at a time")
        }
        return (buffer, messageBytes)
    }

    /// A client's frame.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` for a request that does not fit a frame.
    package static func encode(_ frame: ClientFrame) throws(LensError) -> [UInt8] {
        var bytes: [UInt8] = []
        var tooLong: Int?
        try Coding.clientFrame.encode(frame) { size, write in
            guard size <= WireProtocol.maxRequestBytes else {
                tooLong = size
                return
            }
            bytes = [UInt8](unsafeUninitializedCapacity: WireProtocol.prefixBytes + size) { room, count in
                for index in 0..<WireProtocol.prefixBytes {
                    room[index] = UInt8(truncatingIfNeeded: size >> (24 - 8 * index))
                }
                if let start = room.baseAddress { write(start + WireProtocol.prefixBytes) }
                count = WireProtocol.prefixBytes + size
            }
        }
        if let tooLong {
            throw .resourceExhausted(
                "a request has at most \(WireProtocol.maxRequestBytes) bytes; this one has \(tooLong)")
        }
        return bytes
    }
}

extension ByteBuffer {
    fileprivate mutating func append(byteCount: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        guard byteCount > 0 else { return }
        writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { room in
            if let start = room.baseAddress { write(start) }
            return byteCount
        }
    }

    fileprivate mutating func writeVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}
