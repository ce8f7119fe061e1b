internal import CLensMessages
internal import LensCore

// common.proto: NumPy's basic indexing.

extension TensorSlice {
    private static let maximumEntries = 16

    init(_ message: CSlice) throws(LensError) {
        guard message.n_entries <= Self.maximumEntries else {
            throw .invalidArgument("slice has at most \(Self.maximumEntries) entries; received \(message.n_entries)")
        }
        self.init(
            try messages(message.n_entries, message.entries) { (entry: CSliceEntry) throws(LensError) in
                try Entry(entry)
            })
    }

    func write(to message: inout CSlice, _ arena: MessageArena) throws(LensError) {
        (message.n_entries, message.entries) = try arena.messages(entries) { (entry, item) throws(LensError) in
            try entry.write(to: &item, arena)
        }
    }
}

extension TensorSlice.Entry {
    fileprivate init(_ message: CSliceEntry) throws(LensError) {
        switch message.entry_case {
        case LENS__V1__SLICE_ENTRY__ENTRY_INDEX:
            self = .index(try message.index.sliceNumber("slice.index"))
        case LENS__V1__SLICE_ENTRY__ENTRY_RANGE:
            let bounds = try SliceBounds(message.range, "slice")
            self = .range(start: bounds.start, stop: bounds.stop, step: bounds.step)
        case LENS__V1__SLICE_ENTRY__ENTRY_ELLIPSIS:
            self = .ellipsis
        default:
            throw .invalidArgument("a slice's entry is an index, a range or an ellipsis; received none of them")
        }
    }

    fileprivate func write(to message: inout CSliceEntry, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .index(let index):
            message.entry_case = LENS__V1__SLICE_ENTRY__ENTRY_INDEX
            message.index = Int64(index)
        case .range(let start, let stop, let step):
            message.entry_case = LENS__V1__SLICE_ENTRY__ENTRY_RANGE
            message.range = try SliceBounds(start: start, stop: stop, step: step).write(arena)
        case .ellipsis:
            message.entry_case = LENS__V1__SLICE_ENTRY__ENTRY_ELLIPSIS
            message.ellipsis = try arena.message { (_: inout CEllipsis) in }
        }
    }
}

/// A range's bounds, in slices and in edits.
struct SliceBounds {
    var start: Int?
    var stop: Int?
    var step: Int

    init(start: Int?, stop: Int?, step: Int) {
        self.start = start
        self.stop = stop
        self.step = step
    }

    init(_ message: UnsafeMutablePointer<CSliceRange>?, _ field: String) throws(LensError) {
        self = try required(message, "\(field).range") { (range: CSliceRange) throws(LensError) in
            let hasStart = range.start_bound_case == LENS__V1__SLICE_RANGE__START_BOUND_START
            let hasStop = range.stop_bound_case == LENS__V1__SLICE_RANGE__STOP_BOUND_STOP
            return SliceBounds(
                start: hasStart ? try range.start.sliceNumber("\(field).start") : nil,
                stop: hasStop ? try range.stop.sliceNumber("\(field).stop") : nil,
                step: range.step == 0 ? 1 : try range.step.sliceNumber("\(field).step"))
        }
    }

    func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CSliceRange>? {
        // On the wire zero means 1; a step that is zero must not turn into that.
        guard step != 0 else { throw .invalidArgument("a slice's step must not be zero") }
        return try arena.message { (item: inout CSliceRange) in
            if let start {
                item.start_bound_case = LENS__V1__SLICE_RANGE__START_BOUND_START
                item.start = Int64(start)
            }
            if let stop {
                item.stop_bound_case = LENS__V1__SLICE_RANGE__STOP_BOUND_STOP
                item.stop = Int64(stop)
            }
            item.step = Int64(step)
        }
    }
}

extension Int64 {
    /// Indices and steps leave room for arithmetic with sizes, as in `TensorSlice.init(parsing:)`.
    func sliceNumber(_ field: String) throws(LensError) -> Int {
        let largest = 1 << 48
        guard magnitude <= UInt64(largest) else { throw .outOfRange(field, self, -largest..<largest + 1) }
        return Int(self)
    }
}
