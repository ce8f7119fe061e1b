/// Asks for one pass over all prompts that parks at hook points, so that the client's own functions can look at the
/// activations there and change them.
public struct HookedRunRequest: Sendable {
    /// What is run. The activations to keep are sent back as the pass comes by, as they were edited.
    public var run: RunRequest
    /// Names or short forms of the points at which the pass parks.
    public var hooks: [String]

    public init(run: RunRequest, hooks: [String]) {
        self.run = run
        self.hooks = hooks
    }
}

/// What the client of a hooked run says: a start, then one answer to each point at which the pass parks.
public enum HookedRunMessage: Sendable {
    case start(HookedRunRequest)
    case answer(HookAnswer)
}

/// What the daemon says during a hooked run: a start, the points in the order of the pass, one result.
public enum HookedRunEvent: Sendable {
    /// The weights that run.
    case start(model: String, form: ModelReference.Form, fingerprint: String)
    case hook(HookEvent)
    case result(RunReply)
}

/// What a pass shows of its activations.
public enum HookEvent: Sendable {
    /// The pass is parked: the values follow, then it waits for an answer.
    case parked(HookedActivation)
    /// An activation that was to be kept: the values follow and the pass goes on.
    case kept(HookedActivation)
    /// Raw little-endian values, row-major, one sequence after the other, following what came before.
    case values([UInt8])
}

/// One activation of all sequences of a pass.
public struct HookedActivation: Sendable, Hashable {
    /// The hook point's full name.
    public var hook: String
    public var elementType: ElementType
    /// One per sequence, without the batch.
    public var shapes: [[Int]]
    /// Positions of each sequence.
    public var lengths: [Int]

    public init(hook: String, elementType: ElementType, shapes: [[Int]], lengths: [Int]) {
        self.hook = hook
        self.elementType = elementType
        self.shapes = shapes
        self.lengths = lengths
    }
}

/// What the client makes of an activation at which the pass is parked.
public enum HookAnswer: Sendable {
    /// It stays as it is.
    case unchanged
    /// It is replaced by the values that follow, which have these shapes, one per sequence.
    case replacement(shapes: [[Int]])
    /// Raw values of the replacement, as in ``HookEvent/values(_:)``.
    case values([UInt8])
}
