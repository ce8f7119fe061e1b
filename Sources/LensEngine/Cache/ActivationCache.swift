import DequeModule
import LensCore
import LensTensor
import Synchronization

/// Activations at hand, by what they were made from; the longest unused go when it is full.
///
/// The key is content, so the same question asked twice, by anyone, is computed once.
final class ActivationCache: Sendable {
    struct Key: Hashable, Sendable {
        /// What the pass was made from.
        let digest: PassDigest
        let point: HookPoint

        /// About what an entry takes beside its values, in bytes.
        static let byteCount = 256
    }

    private struct Entry {
        let tensor: Tensor
        var lastUse: Int
    }

    private struct State {
        var entries: [Key: Entry] = [:]
        /// Uses, oldest first; those that are not their entry's last are passed over.
        var uses: Deque<(key: Key, use: Int)> = []
        var clock = 0
        var bytes = 0
    }

    let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: in bytes, values and keys together.
    init(capacity: Int) {
        self.capacity = capacity
    }

    var byteCount: Int { state.withLock { $0.bytes } }

    func tensor(for key: Key) -> Tensor? {
        state.withLock { state in
            guard let entry = state.entries[key] else { return nil }
            touch(key, in: &state)
            return entry.tensor
        }
    }

    /// Keeps an activation, unless it alone exceeds a quarter of the capacity.
    func insert(_ tensor: Tensor, for key: Key) {
        guard tensor.byteCount + Key.byteCount <= capacity / 4 else { return }
        state.withLock { state in
            if let old = state.entries[key] { state.bytes -= old.tensor.byteCount + Key.byteCount }
            state.entries[key] = Entry(tensor: tensor, lastUse: 0)
            state.bytes += tensor.byteCount + Key.byteCount
            touch(key, in: &state)
            while state.bytes > capacity, let oldest = state.uses.popFirst() {
                guard let entry = state.entries[oldest.key], entry.lastUse == oldest.use else { continue }
                state.entries[oldest.key] = nil
                state.bytes -= entry.tensor.byteCount + Key.byteCount
            }
        }
    }

    private func touch(_ key: Key, in state: inout sending State) {
        state.clock += 1
        state.entries[key]?.lastUse = state.clock
        state.uses.append((key, state.clock))
        // Stale uses are dropped now and then, so that reading one entry for ever does not grow the list.
        if state.uses.count > 2 * state.entries.count + 64 {
            let entries = state.entries
            state.uses.removeAll { entries[$0.key]?.lastUse != $0.use }
        }
    }
}
