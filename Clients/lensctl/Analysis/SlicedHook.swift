import LensCore

/// A hook point as the command line names it: a name, and perhaps a slice.
package struct SlicedHook {
    package let hook: String
    package let slice: TensorSlice?

    /// Reads `pattern0` or `blocks.0.attn.hook_pattern[3, :, :]`; a head or a position is brought to the axis it means.
    ///
    /// - Parameter points: Those of the resident models, where the kind of point a name means is looked up.
    /// - Throws: `INVALID_ARGUMENT` for a slice that cannot be read, for a slice beside a head or position, and for a
    ///   head or position of a point that has no such axis.
    package init(parsing text: String, head: Int?, pos: Int?, points: [HookPoint]) throws(LensError) {
        let bracket = text.firstIndex(of: "[")
        hook = String(text[..<(bracket ?? text.endIndex)])
        if let bracket {
            guard head == nil, pos == nil else {
                throw .invalidArgument(
                    "give either a slice or --head and --pos; received both, the slice \(text[bracket...])")
            }
            guard text.hasSuffix("]") else {
                throw .invalidArgument("a slice ends with ']'; received '\(text)'")
            }
            slice = try TensorSlice(parsing: String(text[bracket...]))
            return
        }
        guard head != nil || pos != nil else {
            slice = nil
            return
        }
        // A name that is none is left to the daemon, which knows near ones.
        guard let kind = try? HookPoint.named(hook, among: points).kind else {
            slice = nil
            return
        }
        var entries = [TensorSlice.Entry](repeating: .range(start: nil, stop: nil, step: 1), count: kind.axes.count)
        if let head {
            guard let axis = kind.axes.firstIndex(where: { $0 == .head || $0 == .keyHead }) else {
                throw .invalidArgument("--head \(head): '\(hook)' has no axis of heads")
            }
            entries[axis] = .index(head)
        }
        if let pos {
            guard let axis = kind.axes.firstIndex(of: .pos) else {
                throw .invalidArgument("--pos \(pos): '\(hook)' has no axis of positions")
            }
            entries[axis] = .index(pos)
        }
        slice = TensorSlice(entries)
    }
}
