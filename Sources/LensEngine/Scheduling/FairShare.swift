/// Who has had how much of something that is shared: seconds of computing, by user or by kind of work.
///
/// Whoever comes with work begins where the one stands who has had least, so that nobody saves up turns while idle; who
/// had more than that still stands ahead when he comes back.
package struct FairShare<Key: Hashable> {
    private var seconds: [Key: Double] = [:]
    private var active: Set<Key> = []
    /// What nobody who has work has had less of; never goes back.
    private var floor = 0.0

    package init() {}

    /// Somebody has work.
    package mutating func enter(_ key: Key) {
        guard !active.contains(key) else { return }
        raiseFloor()
        active.insert(key)
        seconds[key] = max(seconds[key] ?? 0, floor)
    }

    /// Somebody has no more work.
    package mutating func leave(_ key: Key) {
        guard active.contains(key) else { return }
        raiseFloor()
        active.remove(key)
        let (active, floor) = (active, floor)
        seconds = seconds.filter { active.contains($0.key) || $0.value > floor }
    }

    package mutating func charge(_ key: Key, _ amount: Double) {
        seconds[key, default: floor] += amount
    }

    /// The order in which those with work have their turns: least first.
    package func time(of key: Key) -> Double { seconds[key] ?? floor }

    /// How much more somebody has had than whoever of the others with work has had least.
    package func lead(of key: Key) -> Double {
        guard let least = active.filter({ $0 != key }).map({ time(of: $0) }).min() else { return 0 }
        return time(of: key) - least
    }

    /// How many have work.
    package var activeCount: Int { active.count }

    private mutating func raiseFloor() {
        guard let least = active.map({ seconds[$0] ?? 0 }).min() else { return }
        floor = max(floor, least)
    }
}
