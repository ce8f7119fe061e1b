/// NumPy's basic indexing: integers (which drop their axis), `start:stop:step` ranges, `...`; negatives count from the end.
public struct TensorSlice: Sendable, Hashable {
    public enum Entry: Sendable, Hashable {
        case index(Int)
        case range(start: Int?, stop: Int?, step: Int)
        case ellipsis
    }

    public var entries: [Entry]

    public init(_ entries: [Entry]) {
        self.entries = entries
    }

    /// One axis of a slice that was held against a shape.
    public struct Axis: Sendable, Hashable {
        /// The first element taken.
        public let start: Int
        public let count: Int
        public let step: Int
        /// Whether the axis vanishes from the result.
        public let isDropped: Bool

        public init(start: Int, count: Int, step: Int, isDropped: Bool) {
            self.start = start
            self.count = count
            self.step = step
            self.isDropped = isDropped
        }
    }

    /// Holds the slice against a shape; the result has one axis per axis of `shape`.
    ///
    /// - Throws: `INVALID_ARGUMENT` for too many entries, a second ellipsis, an index out of range or a zero step.
    public func resolved(against shape: [Int]) throws(LensError) -> [Axis] {
        let named = entries.filter { $0 != .ellipsis }.count
        guard entries.count - named <= 1 else {
            throw .invalidArgument("a slice has at most one '...'; received \(self)")
        }
        guard named <= shape.count else {
            throw .invalidArgument("slice \(self) has \(named) entries, but the activation has shape \(shape)")
        }
        let fill = [Entry](repeating: .range(start: nil, stop: nil, step: 1), count: shape.count - named)
        var expanded: [Entry] = []
        for entry in entries {
            if entry == .ellipsis { expanded += fill } else { expanded.append(entry) }
        }
        if entries.count == named { expanded += fill }
        var axes: [Axis] = []
        for (position, (entry, size)) in zip(expanded, shape).enumerated() {
            axes.append(try Self.resolve(entry, size: size, axis: position))
        }
        return axes
    }

    private static func resolve(_ entry: Entry, size: Int, axis: Int) throws(LensError) -> Axis {
        switch entry {
        case .index(let index):
            let resolved = index < 0 ? index &+ size : index
            guard (0..<size).contains(resolved) else {
                throw .invalidArgument("index \(index) is out of range for axis \(axis) of size \(size)")
            }
            return Axis(start: resolved, count: 1, step: 1, isDropped: true)
        case .range(let start, let stop, let step):
            guard step != 0 else { throw .invalidArgument("a slice's step must not be zero (axis \(axis))") }
            // As CPython's PySlice_AdjustIndices.
            let lowest = step > 0 ? 0 : -1
            let highest = step > 0 ? size : size - 1
            func clamp(_ value: Int?, _ missing: Int) -> Int {
                guard let value else { return missing }
                return min(max(value < 0 ? value &+ size : value, lowest), highest)
            }
            let first = clamp(start, step > 0 ? 0 : size - 1)
            let end = clamp(stop, step > 0 ? size : -1)
            let distance = step > 0 ? end - first : first - end
            let count = distance <= 0 ? 0 : Int((UInt(distance) - 1) / step.magnitude) + 1
            return Axis(start: first, count: count, step: count <= 1 ? 1 : step, isDropped: false)
        case .ellipsis:
            return Axis(start: 0, count: size, step: 1, isDropped: false)
        }
    }
}

extension TensorSlice: CustomStringConvertible {
    /// As NumPy writes it: `[3, :, ::2]`.
    public var description: String {
        let texts = entries.map { entry in
            switch entry {
            case .index(let index): return String(index)
            case .ellipsis: return "..."
            case .range(let start, let stop, let step):
                let head = (start.map(String.init) ?? "") + ":" + (stop.map(String.init) ?? "")
                return step == 1 ? head : head + ":" + String(step)
            }
        }
        return "[" + texts.joined(separator: ", ") + "]"
    }
}

extension TensorSlice {
    /// Reads `[3, :, ::2]`, with or without the brackets.
    ///
    /// - Throws: `INVALID_ARGUMENT` that shows what could not be read.
    public init(parsing text: String) throws(LensError) {
        var body = text.trimmed
        if body.hasPrefix("["), body.hasSuffix("]"), body.count >= 2 { body = body.dropFirst().dropLast() }
        guard !body.trimmed.isEmpty else {
            throw .invalidArgument("a slice is written like [3, :, -1] or [::2]; received '\(text)'")
        }
        var entries: [Entry] = []
        for part in body.split(separator: ",", omittingEmptySubsequences: false) {
            guard let entry = Self.entry(part.trimmed) else {
                throw .invalidArgument("a slice is written like [3, :, -1] or [::2]; cannot read '\(part.trimmed)'")
            }
            entries.append(entry)
        }
        guard entries.count <= 16 else {
            throw .invalidArgument("a slice has at most 16 entries; received \(entries.count)")
        }
        self.init(entries)
    }

    private static func entry(_ text: Substring) -> Entry? {
        if text == "..." { return .ellipsis }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(\.trimmed)
        if parts.count == 1 { return integer(parts[0]).map { .index($0) } }
        guard parts.count <= 3 else { return nil }
        var numbers: [Int?] = []
        for part in parts {
            if part.isEmpty {
                numbers.append(nil)
            } else if let number = integer(part) {
                numbers.append(number)
            } else {
                return nil
            }
        }
        return .range(start: numbers[0], stop: numbers[1], step: (numbers.count == 3 ? numbers[2] : nil) ?? 1)
    }

    /// A decimal integer that leaves room for arithmetic with sizes.
    private static func integer(_ text: Substring) -> Int? {
        Int(text).flatMap { $0.magnitude <= 1 << 48 ? $0 : nil }
    }
}

extension StringProtocol {
    fileprivate var trimmed: SubSequence {
        let isSpace: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        guard let first = firstIndex(where: { !isSpace($0) }), let last = lastIndex(where: { !isSpace($0) }) else {
            return self[endIndex..<endIndex]
        }
        return self[first...last]
    }
}
