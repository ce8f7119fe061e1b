import DequeModule
import LensCore
import LensTensor
import Synchronization

/// What was computed, by what it was made from: activations, and results of whole questions.
///
/// The key is content, so the same question asked twice, by anyone, is computed once. Everybody who asks is charged for
/// what he asked for, whether it was there already or not: so nobody learns from his own figures what others asked.
package final class ContentCache: Sendable {
    package struct Key: Hashable, Sendable {
        package let digest: PassDigest
        /// `nil` for the result of a question.
        package let point: HookPoint?

        package init(digest: PassDigest, point: HookPoint?) {
            self.digest = digest
            self.point = point
        }

        /// About what an entry takes beside its values, in bytes.
        package static let byteCount = 512
    }

    fileprivate struct Entry {
        let value: any CachedValue
        let bytes: Int
        /// Who asked for it, and when each last did.
        var uses: [UInt32: Int] = [:]
    }

    fileprivate struct Use {
        let key: Key
        let time: Int
    }

    fileprivate struct User {
        var bytes = 0
        var entryCount = 0
        /// Oldest first; those that are not their entry's last of this user are passed over.
        var uses: Deque<Use> = []
    }

    fileprivate struct State {
        var entries: [Key: Entry] = [:]
        var users: [UInt32: User] = [:]
        /// Counts uses.
        var clock = 0
        var bytes = 0
        var capacity: Int
        var quota: Int
        var scope = CacheScope.everyone
        var hits = 0
        var misses = 0
    }

    private let state: Mutex<State>

    /// - Parameters:
    ///   - capacity: in bytes, values and keys together.
    ///   - quota: bytes of what one user asked for.
    package init(capacity: Int, quota: Int) {
        state = Mutex(State(capacity: capacity, quota: quota))
    }

    /// Bytes, values and keys together.
    package var capacity: Int {
        get { state.withLock { $0.capacity } }
        set {
            state.withLock { state in
                state.capacity = newValue
                state.shrink()
            }
        }
    }

    /// With whom what is computed is shared; what is kept stays with those who have it.
    package var scope: CacheScope {
        get { state.withLock { $0.scope } }
        set { state.withLock { $0.scope = newValue } }
    }

    /// The most bytes that one user's questions may keep here.
    package var quota: Int {
        get { state.withLock { $0.quota } }
        set {
            state.withLock { state in
                state.quota = newValue
                for user in Array(state.users.keys) { state.shrink(user, to: newValue) }
            }
        }
    }

    package var byteCount: Int { state.withLock { $0.bytes } }

    /// Bytes of what a user asked for.
    package func byteCount(of user: UInt32) -> Int { state.withLock { $0.users[user]?.bytes ?? 0 } }

    /// The same of everybody who asked for something.
    var byteCounts: [UInt32: Int] { state.withLock { $0.users.mapValues(\.bytes) } }

    /// How often something was here, and how often not.
    package var counts: (hits: Int, misses: Int) { state.withLock { ($0.hits, $0.misses) } }

    /// What is there, which `user` asks for.
    package func value<Value: CachedValue>(for key: Key, user: UInt32) -> Value? {
        state.withLock { state in
            guard let value = state.entries[key]?.value as? Value else {
                state.misses += 1
                return nil
            }
            state.hits += 1
            state.use(key, by: user)
            return value
        }
    }

    func tensor(for key: Key, user: UInt32) -> Tensor? { value(for: key, user: user) }

    /// Whether all of them are there.
    package func contains(_ keys: [Key]) -> Bool {
        state.withLock { state in keys.allSatisfy { state.entries[$0] != nil } }
    }

    /// A user asked for what another's work brought here.
    package func use(_ keys: [Key], by user: UInt32) {
        state.withLock { state in
            for key in keys { state.use(key, by: user) }
        }
    }

    /// Keeps something that some users asked for, unless it alone exceeds a quarter of the capacity.
    package func insert(_ value: any CachedValue, for key: Key, users: [UInt32]) {
        let bytes = value.byteCount + Key.byteCount
        state.withLock { state in
            guard bytes <= state.capacity / 4, bytes <= state.quota, !users.isEmpty else { return }
            if state.entries[key] == nil {
                state.entries[key] = Entry(value: value, bytes: bytes)
                state.bytes += bytes
            }
            for user in users { state.use(key, by: user) }
            state.shrink()
        }
    }
}

extension ContentCache.State {
    fileprivate mutating func use(_ key: ContentCache.Key, by user: UInt32) {
        guard let entry = entries[key] else { return }
        clock += 1
        var own = users[user] ?? ContentCache.User()
        users[user] = nil
        if entries[key]?.uses.updateValue(clock, forKey: user) == nil {
            own.bytes += entry.bytes
            own.entryCount += 1
        }
        own.uses.append(ContentCache.Use(key: key, time: clock))
        // Stale uses are dropped now and then, so that reading one entry for ever does not grow the list.
        if own.uses.count > 2 * own.entryCount + 64 {
            let entries = entries
            own.uses.removeAll { entries[$0.key]?.uses[user] != $0.time }
        }
        users[user] = own
        shrink(user, to: quota)
    }

    /// Down to the capacity: whoever keeps most gives first.
    fileprivate mutating func shrink() {
        while bytes > capacity, let user = users.max(by: { $0.value.bytes < $1.value.bytes })?.key {
            guard dropOldest(of: user) else { return }
        }
    }

    fileprivate mutating func shrink(_ user: UInt32, to limit: Int) {
        while let bytes = users[user]?.bytes, bytes > limit, dropOldest(of: user) {}
    }

    /// Lets go of what a user has not asked for longest; false where there is nothing.
    fileprivate mutating func dropOldest(of user: UInt32) -> Bool {
        while let use = users[user]?.uses.popFirst() {
            guard var entry = entries[use.key], entry.uses[user] == use.time else { continue }
            entry.uses[user] = nil
            users[user]?.bytes -= entry.bytes
            users[user]?.entryCount -= 1
            if users[user]?.entryCount == 0 { users[user] = nil }
            if entry.uses.isEmpty {
                entries[use.key] = nil
                bytes -= entry.bytes
            } else {
                entries[use.key] = entry
            }
            return true
        }
        users[user] = nil
        return false
    }
}

/// Something that can be kept for whoever asks again.
package protocol CachedValue: Sendable {
    /// About what it takes, in bytes.
    var byteCount: Int { get }
}

extension Tensor: CachedValue {}

extension Array {
    /// The same elements in memory of their own.
    func copied() -> [Element] { withUnsafeBufferPointer { Array($0) } }
}
