import Glibc
import LensCore
import LensTensor
import Synchronization
import Testing

@Suite struct InterludeTests {
    @Test(arguments: [1, 2])
    func comesBetweenBlocks(threads: Int) throws {
        let pool = ComputePool(threads: threads)
        let order = Mutex<[String]>([])
        pool.interlude.set { order.withLock { $0.append("interlude") } }
        try pool.run(blocks: 1, control: CallControl()) { _ in
            order.withLock { $0.append("block") }
            pool.interlude.request(true)
        }
        try pool.run(blocks: 1, control: CallControl()) { _ in order.withLock { $0.append("block") } }
        #expect(order.withLock { $0 } == ["block", "interlude", "block"])
    }

    /// Nothing of an interlude stays behind: a day has millions.
    @Test func leavesNoMemory() throws {
        let pool = ComputePool(threads: 1)
        let count = Atomic<Int>(0)
        pool.interlude.set { count.add(1, ordering: .relaxed) }
        pool.interlude.request(true)
        let before = try residentBytes()
        try pool.run(blocks: 200_000, control: CallControl()) { _ in pool.interlude.request(true) }
        // 134 bytes each would be 26 MiB.
        #expect(try residentBytes() - before < 12 << 20)
        #expect(count.load(ordering: .relaxed) == 200_000)
    }
}

/// Of this process, as `/proc` says.
private func residentBytes() throws -> Int {
    let file = try #require(fopen("/proc/self/statm", "r"))
    defer { fclose(file) }
    var line = [CChar](repeating: 0, count: 128)
    let read = fgets(&line, CInt(line.count), file)
    try #require(read != nil)
    let text = String(decoding: line.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    let pages = try #require(text.split(separator: " ").dropFirst().first.flatMap { Int($0) })
    return pages * Int(sysconf(CInt(_SC_PAGESIZE)))
}
