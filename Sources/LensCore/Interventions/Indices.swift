/// Which entries of one axis are meant: NumPy's basic indexing of that axis, or a list.
public enum Indices: Sendable, Hashable {
    /// One entry; the axis vanishes from what an operand is held against, as in NumPy.
    case index(Int)
    /// In the order given, each once.
    case list([Int])
    case range(start: Int?, stop: Int?, step: Int)

    /// Whether the axis vanishes.
    public var isDropped: Bool { if case .index = self { true } else { false } }

    /// The entries of an axis of `count`, negatives counted from its end.
    ///
    /// - Parameter name: what the axis is called in an error, such as `head`.
    /// - Throws: `INVALID_ARGUMENT` for an entry out of range or named twice, and for a choice of nothing.
    public func resolved(count: Int, _ name: String) throws(LensError) -> [Int] {
        switch self {
        case .index(let index): return [try Self.entry(index, count, name)]
        case .list(let indices):
            var entries: [Int] = []
            for index in indices { entries.append(try Self.entry(index, count, name)) }
            guard Set(entries).count == entries.count else {
                throw .invalidArgument("each \(name) is named once; received \(entries.count) with repeats")
            }
            guard !entries.isEmpty else { throw .invalidArgument("a list of \(name)s names at least one") }
            return entries
        case .range(let start, let stop, let step):
            guard step != 0 else { throw .invalidArgument("the step of \(name) \(self) must not be zero") }
            let slice = TensorSlice([.range(start: start, stop: stop, step: step)])
            guard let axis = try slice.resolved(against: [count]).first, axis.count > 0 else {
                throw .invalidArgument("\(name) \(self) chooses none of \(count)")
            }
            return (0..<axis.count).map { axis.start + $0 * axis.step }
        }
    }

    private static func entry(_ index: Int, _ count: Int, _ name: String) throws(LensError) -> Int {
        let entry = index < 0 ? index &+ count : index
        guard (0..<count).contains(entry) else { throw .outOfRange(name, index, 0..<count) }
        return entry
    }
}

extension Indices: CustomStringConvertible {
    /// As it is written in an edit: `3`, `0,2`, `::2`; a list of one ends with a comma.
    public var description: String {
        switch self {
        case .index(let index): String(index)
        case .list(let indices):
            indices.map(String.init).joined(separator: ",") + (indices.count == 1 ? "," : "")
        case .range(let start, let stop, let step):
            (start.map(String.init) ?? "") + ":" + (stop.map(String.init) ?? "") + (step == 1 ? "" : ":\(step)")
        }
    }
}
