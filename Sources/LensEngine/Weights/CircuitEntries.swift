import LensCore

/// The largest entries of heads' circuits, as tokens' ids.
struct CircuitEntries: KeptAnswer {
    struct Entry: Sendable {
        let row: Int32
        let column: Int32
        let value: Float
    }

    /// Per head; row by row where rows were asked for.
    let heads: [[Entry]]

    func copied() -> CircuitEntries { CircuitEntries(heads: heads.map { $0.copied() }) }
    var byteCount: Int { heads.reduce(0) { $0 + 32 + MemoryLayout<Entry>.stride * $1.count } }

    /// What entries take that wait for their turn, in bytes.
    static let blockBytes = 32 << 20
}

extension [CircuitEntries.Entry] {
    /// Adds entries, themselves the largest first; keeps the largest of all, of equal ones those that were there.
    mutating func keepLargest(_ count: Int, with others: [CircuitEntries.Entry]) {
        if others.isEmpty { return }
        var merged: [CircuitEntries.Entry] = []
        merged.reserveCapacity(count)
        var (own, other) = (0, 0)
        while merged.count < count {
            if own < self.count, other >= others.count || self[own].value >= others[other].value {
                merged.append(self[own])
                own += 1
            } else if other < others.count {
                merged.append(others[other])
                other += 1
            } else {
                break
            }
        }
        self = merged
    }
}
