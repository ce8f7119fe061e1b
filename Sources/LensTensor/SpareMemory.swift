import Glibc
import Synchronization

/// Memory of large tensors: taken from the system in huge pages, and kept for the next tensor when one ends.
///
/// Reading weights through small pages spends a sixth of the time on looking up addresses; clearing fresh pages for each
/// activation of a large batch would take a twentieth of it.
public enum SpareMemory {
    /// From here on a tensor is large, in bytes.
    static let threshold = 4 << 20
    /// Bytes kept at most.
    private static let limit = 128 << 20
    private static let hugePage = 2 << 20

    private struct Block: @unchecked Sendable {
        let start: UnsafeMutableRawPointer
        let bytes: Int
    }

    private static let blocks = Mutex<[Block]>([])

    /// The size that a block for so many bytes has.
    static func size(for bytes: Int) -> Int { (bytes + hugePage - 1) / hugePage * hugePage }

    /// - Parameter bytes: from ``size(for:)``.
    static func take(_ bytes: Int) -> UnsafeMutableRawPointer {
        let spare = blocks.withLock { blocks in
            blocks.lastIndex { $0.bytes == bytes }.map { blocks.remove(at: $0) }
        }
        if let spare { return spare.start }
        let start = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: hugePage)
        // Advice only: where the system has none to give, small pages do.
        madvise(start, bytes, MADV_HUGEPAGE)
        return start
    }

    /// Gives a block back; the oldest spare ones make room.
    static func give(_ start: UnsafeMutableRawPointer, _ bytes: Int) {
        let dropped = blocks.withLock { blocks -> [Block] in
            blocks.append(Block(start: start, bytes: bytes))
            var total = blocks.reduce(0) { $0 + $1.bytes }
            var dropped: [Block] = []
            while total > limit {
                let oldest = blocks.removeFirst()
                total -= oldest.bytes
                dropped.append(oldest)
            }
            return dropped
        }
        for block in dropped { block.start.deallocate() }
    }

    /// Gives everything spare back to the system.
    public static func release() {
        let dropped = blocks.withLock { blocks in
            defer { blocks = [] }
            return blocks
        }
        for block in dropped { block.start.deallocate() }
    }
}
