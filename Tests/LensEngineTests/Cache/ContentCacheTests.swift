import LensEngine
import LensTensor
import Testing

@Suite struct ContentCacheTests {
    private static func key(_ number: Int) -> ContentCache.Key {
        ContentCache.Key(digest: PassDigest { $0.add(number) }, point: nil)
    }

    /// With its key 1024 bytes.
    private static let tensor = Tensor(zeros: [(1024 - ContentCache.Key.byteCount) / 4])

    private func tensor(_ number: Int, in cache: ContentCache, user: UInt32) -> Tensor? {
        cache.value(for: Self.key(number), user: user)
    }

    @Test func theLongestUnusedGoFirst() {
        let cache = ContentCache(capacity: 8 * 1024, quota: 8 * 1024)
        for number in 0..<8 { cache.insert(Self.tensor, for: Self.key(number), users: [1]) }
        #expect(tensor(0, in: cache, user: 1) != nil)
        cache.insert(Self.tensor, for: Self.key(8), users: [1])
        #expect(cache.byteCount == 8 * 1024)
        #expect(cache.contains([Self.key(0), Self.key(2), Self.key(8)]))
        #expect(!cache.contains([Self.key(1)]))
    }

    /// Whoever exceeds his quota loses his own oldest; others keep theirs.
    @Test func quotasAreEachUsersOwn() {
        let cache = ContentCache(capacity: 64 * 1024, quota: 4 * 1024)
        for number in 0..<4 { cache.insert(Self.tensor, for: Self.key(number), users: [1]) }
        for number in 10..<30 { cache.insert(Self.tensor, for: Self.key(number), users: [2]) }
        #expect(cache.byteCount(of: 1) == 4 * 1024)
        #expect(cache.byteCount(of: 2) == 4 * 1024)
        #expect(cache.byteCount == 8 * 1024)
        #expect(cache.contains((0..<4).map(Self.key)))
        #expect(cache.contains((26..<30).map(Self.key)))
        cache.quota = 2 * 1024
        #expect(cache.byteCount == 4 * 1024)
        #expect(cache.contains([Self.key(2), Self.key(3), Self.key(28), Self.key(29)]))
    }

    /// When all is full, whoever keeps most makes room.
    @Test func theLargestMakesRoom() {
        let cache = ContentCache(capacity: 8 * 1024, quota: 8 * 1024)
        for number in 0..<2 { cache.insert(Self.tensor, for: Self.key(number), users: [1]) }
        for number in 10..<30 { cache.insert(Self.tensor, for: Self.key(number), users: [2]) }
        #expect(cache.byteCount(of: 1) == 2 * 1024)
        #expect(cache.byteCount(of: 2) == 6 * 1024)
    }

    /// What is there already costs its asker as much as if he had brought it, and goes when nobody's quota holds it.
    @Test func everybodyPaysForWhatHeAskedFor() {
        let cache = ContentCache(capacity: 64 * 1024, quota: 2 * 1024)
        cache.insert(Self.tensor, for: Self.key(0), users: [1])
        #expect(tensor(0, in: cache, user: 2) != nil)
        #expect(tensor(0, in: cache, user: 2) != nil)
        #expect(cache.byteCount(of: 2) == 1024)
        #expect(cache.byteCount == 1024)
        for number in 1...2 { cache.insert(Self.tensor, for: Self.key(number), users: [1]) }
        #expect(cache.byteCount(of: 1) == 2 * 1024)
        #expect(cache.contains([Self.key(0)]))
        cache.use([Self.key(1), Self.key(2)], by: 2)
        #expect(!cache.contains([Self.key(0)]))
        #expect(cache.counts.hits == 2)
    }

    @Test func whatIsTooLargeIsNotKept() {
        let cache = ContentCache(capacity: 64 * 1024, quota: 1 << 30)
        cache.insert(Tensor(zeros: [5 * 1024]), for: Self.key(0), users: [1])
        #expect(cache.byteCount == 0)
        let small = ContentCache(capacity: 64 * 1024, quota: 1000)
        small.insert(Self.tensor, for: Self.key(0), users: [1])
        #expect(small.byteCount == 0)
    }

    @Test func readingOneEntryForEverTakesNoMemory() {
        let cache = ContentCache(capacity: 64 * 1024, quota: 64 * 1024)
        cache.insert(Self.tensor, for: Self.key(0), users: [1])
        for _ in 0..<10_000 { _ = tensor(0, in: cache, user: 1) }
        #expect(cache.byteCount == 1024)
        #expect(cache.counts.hits == 10_000)
        #expect(cache.counts.misses == 0)
    }
}
