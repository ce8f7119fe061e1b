internal import CLensMessages
internal import LensCore

// common.proto: NumPy's basic indexing.

extension TensorSlice {
    private static let maximumEntries = 16
    /// Indices and steps leave room for arithmetic with sizes, as in `TensorSlice.init(parsing:)`.
    private static let largestNumber = 1 << 48

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

    fileprivate static func number(_ value: Int64, _ field: String) throws(LensError) -> Int {
        guard value.magnitude <= UInt64(largestNumber) else {
            throw .outOfRange(field, value, -largestNumber..<largestNumber + 1)
        }
        return Int(value)
    }
}

extension TensorSlice.Entry {
    fileprivate init(_ message: CSliceEntry) throws(LensError) {
        switch message.entry_case {
        case LENS__V1__SLICE_ENTRY__ENTRY_INDEX:
            self = .index(try TensorSlice.number(message.index, "slice.index"))
        case LENS__V1__SLICE_ENTRY__ENTRY_RANGE:
            self = try required(message.range, "slice.range") { (range: CSliceRange) throws(LensError) in
                let hasStart = range.start_bound_case == LENS__V1__SLICE_RANGE__START_BOUND_START
                let hasStop = range.stop_bound_case == LENS__V1__SLICE_RANGE__STOP_BOUND_STOP
                return .range(
                    start: hasStart ? try TensorSlice.number(range.start, "slice.start") : nil,
                    stop: hasStop ? try TensorSlice.number(range.stop, "slice.stop") : nil,
                    step: range.step == 0 ? 1 : try TensorSlice.number(range.step, "slice.step"))
            }
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
            // On the wire zero means 1; a step that is zero must not turn into that.
            guard step != 0 else { throw .invalidArgument("a slice's step must not be zero") }
            message.entry_case = LENS__V1__SLICE_ENTRY__ENTRY_RANGE
            message.range = try arena.message { (item: inout CSliceRange) in
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
        case .ellipsis:
            message.entry_case = LENS__V1__SLICE_ENTRY__ENTRY_ELLIPSIS
            message.ellipsis = try arena.message { (_: inout CEllipsis) in }
        }
    }
}
