package import LensCore
internal import NIOCore

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
    mutating func append(byteCount: Int, _ write: (UnsafeMutableRawPointer) -> Void) {
        guard byteCount > 0 else { return }
        writeWithUnsafeMutableBytes(minimumWritableBytes: byteCount) { room in
            if let start = room.baseAddress { write(start) }
            return byteCount
        }
    }
}
