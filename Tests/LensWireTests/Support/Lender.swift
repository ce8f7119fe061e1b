import LensCore
import Synchronization

/// Memory with a known content that is lent to replies, and counted while anybody holds it.
final class Lender: Sendable {
    /// How many lenders live.
    final class Count: Sendable {
        private let number = Atomic<Int>(0)
        var living: Int { number.load(ordering: .acquiring) }
        fileprivate func change(_ by: Int) { number.wrappingAdd(by, ordering: .acquiringAndReleasing) }

        /// Waits until no lender lives, for ten seconds at most; says whether that came.
        func emptied() async throws -> Bool {
            for _ in 0..<2000 where living > 0 { try await Task.sleep(for: .milliseconds(5)) }
            return living == 0
        }
    }

    private nonisolated(unsafe) let memory: UnsafeMutableRawBufferPointer
    private let count: Count

    init(byteCount: Int, count: Count = Count()) {
        memory = .allocate(byteCount: byteCount, alignment: 64)
        for index in 0..<byteCount { memory[index] = UInt8(truncatingIfNeeded: index &* 31 &+ index >> 8) }
        self.count = count
        count.change(1)
    }

    deinit {
        // What is read after this is not what was lent.
        for index in memory.indices { memory[index] = 0xee }
        memory.deallocate()
        count.change(-1)
    }

    func lend(_ range: Range<Int>) -> ValueBytes {
        ValueBytes(lending: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[range]), of: self)
    }

    func bytes(_ range: Range<Int>) -> [UInt8] { Array(memory[range]) }
}
