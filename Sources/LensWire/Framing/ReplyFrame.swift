package import LensCore
package import NIOCore

/// A frame that carries one reply message, its length in front; the bytes are those of
/// `ServerFrame(callID:, .message(…))`, with as few copies as can be: a message may have megabytes.
package struct ReplyFrame: Sendable {
    /// Values of this size or more are lent; smaller ones are cheaper copied.
    private static let lentBytes = 16 << 10

    /// The frame, or its beginning.
    package private(set) var head: ByteBuffer
    /// The frame's end where this is lent: values that stay where they are until they are written.
    package private(set) var values: ByteBuffer?
    package let messageBytes: Int

    package var byteCount: Int { head.readableBytes + (values?.readableBytes ?? 0) }

    /// - Throws: `RESOURCE_EXHAUSTED` for a message that does not fit a frame, `INVALID_ARGUMENT` for a number that
    ///   does not fit its field.
    package init<Value>(
        _ value: Value, _ coding: Coding<Value>, callID: UInt32, limit: Int = WireProtocol.maxReplyBytes
    ) throws(LensError) {
        if let (field, bytes) = coding.soleField(value), bytes.count >= Self.lentBytes {
            var start = ByteBuffer()
            start.writeVarint(UInt32(field) << 3 | 2)
            start.writeVarint(UInt32(clamping: bytes.count))
            messageBytes = start.readableBytes + bytes.count
            try Self.check(messageBytes, limit: limit)
            head = Self.envelope(callID, messageBytes: messageBytes, room: start.readableBytes)
            head.writeImmutableBuffer(start)
            values = ByteBuffer(lent: bytes)
            return
        }
        var frame = ByteBuffer()
        var size = 0
        try coding.encode(value) { count, write in
            size = count
            guard count <= limit - WireProtocol.frameOverhead else { return }
            frame = Self.envelope(callID, messageBytes: count, room: count)
            frame.append(byteCount: count, write)
        }
        messageBytes = size
        try Self.check(size, limit: limit)
        head = frame
    }

    /// What a frame has before its message.
    private static func envelope(_ callID: UInt32, messageBytes: Int, room: Int) -> ByteBuffer {
        var buffer = ByteBuffer()
        buffer.reserveCapacity(WireProtocol.prefixBytes + WireProtocol.frameOverhead + room)
        buffer.moveWriterIndex(to: WireProtocol.prefixBytes)
        buffer.writeVarint(1 << 3 | 0)  // call_id
        buffer.writeVarint(callID)
        buffer.writeVarint(3 << 3 | 2)  // message
        buffer.writeVarint(UInt32(clamping: messageBytes))
        let length = buffer.readableBytes - WireProtocol.prefixBytes + messageBytes
        buffer.setInteger(UInt32(clamping: length), at: 0, endianness: .big)
        return buffer
    }

    private static func check(_ messageBytes: Int, limit: Int) throws(LensError) {
        guard messageBytes <= limit - WireProtocol.frameOverhead else {
            throw .resourceExhausted(
                "a reply has at most \(limit - WireProtocol.frameOverhead) bytes; this one has \(messageBytes): "
                    + "ask for less at a time")
        }
    }
}

extension ByteBuffer {
    fileprivate mutating func writeVarint(_ value: UInt32) {
        var rest = value
        while rest >= 0x80 {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }
}
