import LensCore

/// What changes a pass at its hook points, and what the changes do to a gradient that comes back through them.
public protocol PassEdits: Sendable {
    /// Where the changes happen, in the order of a pass.
    var points: [HookPoint] { get }

    /// Changes the activation of a pass that stands at one of ``points``.
    func apply(to state: inout ForwardState, control: CallControl) throws(LensError)

    /// Takes the gradient with respect to the changed activation to the one with respect to the unchanged one.
    func applyAdjoint(to state: inout BackwardState, control: CallControl) throws(LensError)
}

/// No changes.
public struct NoEdits: PassEdits {
    public init() {}
    public var points: [HookPoint] { [] }
    public func apply(to state: inout ForwardState, control: CallControl) throws(LensError) {}
    public func applyAdjoint(to state: inout BackwardState, control: CallControl) throws(LensError) {}
}
