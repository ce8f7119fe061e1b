import Glibc
import Synchronization

/// Memory of large tensors: taken from the system in huge pages, and kept for the next tensor when one ends.
///
/// Reading weights through small pages spends a sixth of the time on looking up addresses; clearing fresh pages for each
/// activation of a large batch would take a twentieth of it. Blocks are the system's own mappings: `malloc` takes
/// blocks of so many sizes from its heap once some were freed, and the heap is in pieces soon.
public enum SpareMemory {
    /// From here on a tensor is large, in bytes.
    static let threshold = 4 << 20
    /// Bytes kept at most.
    private static let limit = 128 << 20
    private static let hugePage = 2 << 20

    struct Block: @unchecked Sendable {
        /// At the beginning of a huge page.
        let start: UnsafeMutableRawPointer
        let bytes: Int
    }

    private static let blocks = Mutex<[Block]>([])

    /// The size of the block for so many bytes: one of four between a power of two and the next, so that tensors of
    /// about the same size take the same blocks. Pages that are never touched take no memory.
    static func size(for bytes: Int) -> Int {
        let quarter = (1 << (Int.bitWidth - 1 - max(bytes, 1).leadingZeroBitCount)) / 4
        let step = max(hugePage, quarter)
        return (bytes + step - 1) / step * step
    }

    /// A block of at least so many bytes.
    static func take(_ bytes: Int) -> Block {
        let bytes = size(for: bytes)
        let spare = blocks.withLock { blocks in
            blocks.lastIndex { $0.bytes == bytes }.map { blocks.remove(at: $0) }
        }
        return spare ?? map(bytes)
    }

    /// Gives a block back; the oldest spare ones make room.
    static func give(_ block: Block) {
        let dropped = blocks.withLock { blocks -> [Block] in
            blocks.append(block)
            var total = blocks.reduce(0) { $0 + $1.bytes }
            var dropped: [Block] = []
            while total > limit {
                let oldest = blocks.removeFirst()
                total -= oldest.bytes
                dropped.append(oldest)
            }
            return dropped
        }
        for block in dropped { unmap(block) }
    }

    /// Gives everything spare back to the system.
    public static func release() {
        let dropped = blocks.withLock { blocks in
            defer { blocks = [] }
            return blocks
        }
        for block in dropped { unmap(block) }
    }

    // MARK: - The system's side

    private static func map(_ bytes: Int) -> Block {
        guard let mapped = mmap(nil, bytes + hugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
            mapped != MAP_FAILED
        else { preconditionFailure("the system gives no \(bytes) bytes for a tensor") }
        let start = mapped.alignedUp(toMultipleOf: hugePage)
        let before = start - mapped
        if before > 0 { munmap(mapped, before) }
        if before < hugePage { munmap(start + bytes, hugePage - before) }
        // Advice only: where the system has none to give, small pages do.
        madvise(start, bytes, MADV_HUGEPAGE)
        return Block(start: start, bytes: bytes)
    }

    private static func unmap(_ block: Block) { munmap(block.start, block.bytes) }
}
