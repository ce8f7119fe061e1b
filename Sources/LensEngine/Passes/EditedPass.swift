import LensCore
import LensModel

/// A pass of some prompts of a recipe that is taken from point to point, with the recipe's edits on the way.
struct EditedPass {
    let subject: PassSubject
    /// Which prompt each sequence is.
    let prompts: [Int]
    private(set) var state: ForwardState
    private var edits: ArraySlice<HookPoint>

    init(_ subject: PassSubject, prompts: [Int]) throws(LensError) {
        self.subject = subject
        self.prompts = prompts
        state = try subject.begin(prompts: prompts)
        edits = subject.plan.points[...]
    }

    /// Goes on to a point and makes the edits up to there, the point's own among them.
    mutating func advance(to target: HookPoint, on compute: Compute) throws(LensError) {
        while let next = edits.first, next <= target {
            try state.advance(to: next, on: compute)
            try subject.plan.apply(to: &state, prompts: prompts, control: compute.control)
            edits.removeFirst()
        }
        if state.point < target { try state.advance(to: target, on: compute) }
    }

    /// Where a step of a long way may end, so that others get their turn: at the end of a layer.
    static func stops(from first: HookPoint, to last: HookPoint, layers: Int) -> [HookPoint] {
        (0..<layers).map { HookPoint(.residPost, layer: $0) }.filter { $0 > first && $0 < last }
    }
}
