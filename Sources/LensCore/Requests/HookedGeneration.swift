/// Asks for text under the client's own functions: each step's pass parks at hook points.
public struct HookedGenerateRequest: Sendable {
    public var generation: GenerateRequest
    /// Names or short forms of the points at which the passes park.
    public var hooks: [String]

    public init(generation: GenerateRequest, hooks: [String]) {
        self.generation = generation
        self.hooks = hooks
    }
}

/// What the client of a hooked generation says: a start, then one answer to each point at which a pass parks.
public enum HookedGenerateMessage: Sendable {
    case start(HookedGenerateRequest)
    case answer(HookAnswer)
}

/// What the daemon says meanwhile: for each step the points in the order of its pass, then its tokens; results, the end.
public enum HookedGenerateEvent: Sendable {
    /// Of the step's new positions; its sequences are the prompts that still grow, in order.
    case hook(HookEvent)
    case generation(GenerateEvent)
}
