import LensCore

/// Copies a tensor that is not contiguous, a transposed one for example, into row-major order.
struct StridedReader {
    private let tensor: PickledTensor
    /// The axes' sizes and strides in elements; the last is walked in the inner loop.
    private let outer: [(size: Int, stride: Int)]
    private let inner: (size: Int, stride: Int)

    private static let pieceSize = 256 << 10

    /// - Parameter tensor: has elements, and is inside its storage.
    init(_ tensor: PickledTensor) {
        self.tensor = tensor
        let axes = zip(tensor.shape, tensor.strides).map { (size: $0, stride: $1) }
        outer = Array(axes.dropLast())
        inner = axes.last ?? (1, 1)
    }

    /// - Parameter first: where in the file the first element stands.
    func forEachPiece(
        of file: CheckpointFile, from first: Int, _ body: (UnsafeRawBufferPointer) throws(LensError) -> Void
    ) throws(LensError) {
        switch tensor.elementType.size {
        case 1: try gather(UInt8.self, file, first, body)
        case 2: try gather(UInt16.self, file, first, body)
        case 4: try gather(UInt32.self, file, first, body)
        default: try gather(UInt64.self, file, first, body)
        }
    }

    private func gather<Element: FixedWidthInteger>(
        _ type: Element.Type, _ file: CheckpointFile, _ first: Int,
        _ body: (UnsafeRawBufferPointer) throws(LensError) -> Void
    ) throws(LensError) {
        let source = UnsafeMutableBufferPointer<Element>.allocate(capacity: tensor.span)
        defer { source.deallocate() }
        try file.read(into: UnsafeMutableRawBufferPointer(source), at: first)
        let capacity = Self.pieceSize / MemoryLayout<Element>.stride
        let piece = UnsafeMutableBufferPointer<Element>.allocate(capacity: capacity)
        defer { piece.deallocate() }
        var filled = 0
        var index = [Int](repeating: 0, count: outer.count)
        var row = 0
        repeat {
            var done = 0
            while done < inner.size {
                let count = min(inner.size - done, capacity - filled)
                for step in 0..<count { piece[filled + step] = source[row + (done + step) * inner.stride] }
                done += count
                filled += count
                if filled == capacity {
                    try body(UnsafeRawBufferPointer(piece))
                    filled = 0
                }
            }
        } while advance(&index, &row)
        if filled > 0 { try body(UnsafeRawBufferPointer(UnsafeMutableBufferPointer(rebasing: piece[..<filled]))) }
    }

    /// Steps to the next row; false after the last.
    private func advance(_ index: inout [Int], _ row: inout Int) -> Bool {
        for axis in outer.indices.reversed() {
            index[axis] += 1
            row += outer[axis].stride
            if index[axis] < outer[axis].size { return true }
            row -= outer[axis].size * outer[axis].stride
            index[axis] = 0
        }
        return false
    }
}
