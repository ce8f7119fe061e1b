/// Memory for one message, handed out piece by piece and freed all at once.
final class MessageMemory {
    private var blocks: [UnsafeMutableRawPointer] = []
    private var free = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private static let blockSize = 16 << 10

    deinit {
        for block in blocks { block.deallocate() }
    }

    /// A piece that lives as long as this object.
    ///
    /// - Parameter alignment: a power of two, at most 16.
    func allocate(byteCount: Int, alignment: Int) -> UnsafeMutableRawBufferPointer {
        let padding = free.baseAddress.map { -Int(bitPattern: $0) & (alignment - 1) } ?? 0
        if free.count < byteCount + padding {
            let size = max(byteCount, Self.blockSize)
            let block = UnsafeMutableRawPointer.allocate(byteCount: size, alignment: 16)
            blocks.append(block)
            // A big piece gets a block of its own; what is left of the current one stays in use.
            if size > Self.blockSize { return UnsafeMutableRawBufferPointer(start: block, count: size) }
            free = UnsafeMutableRawBufferPointer(start: block, count: size)
            return take(byteCount, after: 0)
        }
        return take(byteCount, after: padding)
    }

    private func take(_ byteCount: Int, after padding: Int) -> UnsafeMutableRawBufferPointer {
        let piece = UnsafeMutableRawBufferPointer(rebasing: free[padding..<padding + byteCount])
        free = UnsafeMutableRawBufferPointer(rebasing: free[(padding + byteCount)...])
        return piece
    }
}
