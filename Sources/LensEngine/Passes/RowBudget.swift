import LensCore

/// How many rows a batch may have: enough for the matrix products to run at their peak, few enough for the memory.
struct RowBudget: Sendable {
    /// Bytes that a batch may take beside the model.
    static let bytes = 256 << 20
    let rows: Int

    init(_ configuration: ModelConfiguration) {
        rows = min(max(Self.bytes / max(Self.bytesOfRow(configuration), 1), 256), 1536)
    }

    /// Residual, norm, projections and the MLP's activation, with one temporary each.
    static func bytesOfRow(_ configuration: ModelConfiguration) -> Int {
        let width = max(configuration.dModel, configuration.nHeads * configuration.dHead)
        return 4 * (6 * width + configuration.activationsOfMLP)
    }

    /// For passes that stop at points of some kinds, whose activations are held whole.
    ///
    /// - Parameter longest: tokens of the longest sequence.
    init(_ configuration: ModelConfiguration, visiting kinds: [HookKind], longest: Int) {
        let plain = RowBudget(configuration).rows
        let widest = kinds.map { configuration.shape(of: $0, pos: longest).reduce(1, *) / max(longest, 1) }.max() ?? 0
        // The activation, what it is made from or what is made of it, and a copy while sequences join.
        rows = min(plain, max(Self.bytes / max(3 * 4 * widest, 1), 1))
    }

    /// Cuts items with so many rows each into batches of about equal size that hold the budget; an item that exceeds it
    /// alone gets a batch of its own.
    func batches<Item>(_ items: [Item], rows rowsOf: (Item) -> Int) -> [[Item]] {
        let total = items.reduce(0) { $0 + rowsOf($1) }
        let count = max((total + rows - 1) / max(rows, 1), 1)
        let target = (total + count - 1) / count
        var batches: [[Item]] = []
        var current: [Item] = []
        var filled = 0
        for item in items {
            let size = rowsOf(item)
            if !current.isEmpty, filled + size > max(target, 1), filled >= target || filled + size > rows {
                batches.append(current)
                current = []
                filled = 0
            }
            current.append(item)
            filled += size
        }
        if !current.isEmpty { batches.append(current) }
        return batches
    }
}
