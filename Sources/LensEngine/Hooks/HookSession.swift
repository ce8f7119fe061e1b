import LensCore
import LensModel
import LensTensor

/// Shows the activations of one pass to its client's functions and puts what they return back into the pass.
///
/// A pass is a value: while it is parked here it is in nobody's queue, and other passes run.
struct HookSession {
    /// Bytes of values in one event.
    private static let chunkBytes = 512 << 10

    private let client: HookClient
    private let control: CallControl
    /// Layers whose heads' inputs were edited; their block's own norm is not there to be edited any more.
    private var layersWithEditedInputs: Set<Int>

    /// - Parameter interventions: the typed edits of the same pass.
    init(_ client: HookClient, interventions: [Intervention], control: CallControl) {
        self.client = client
        self.control = control
        layersWithEditedInputs = Set(
            interventions.filter { $0.point.kind.isHeadInput }.compactMap(\.point.layer))
    }

    /// Parks a pass at the point where it stands: sends the activation of every sequence, waits for the client's answer
    /// and edits. The call's clock stands still meanwhile.
    ///
    /// - Returns: whether the client put another in its place.
    /// - Throws: `INVALID_ARGUMENT` for an answer that does not fit the activation, naming the point, what was expected
    ///   and what came; what the client's own end throws.
    @discardableResult
    mutating func park(_ state: inout some StandingPass) async throws -> Bool {
        control.pause()
        defer { control.resume() }
        try await send(state, as: HookEvent.parked)
        switch try await answer(at: state.point) {
        case .unchanged: return false
        case .replacement(let shapes):
            try await replace(in: &state, shapes: shapes)
            return true
        case .values:
            throw LensError.invalidArgument(
                "the pass waits at \(state.point) for unchanged or a replacement; received values")
        }
    }

    /// Sends the activation of every sequence, as it stands.
    func keep(_ state: some StandingPass) async throws {
        try await send(state, as: HookEvent.kept)
    }

    // MARK: - There

    private func send(_ state: some StandingPass, as event: (HookedActivation) -> HookEvent) async throws {
        let type = state.point.kind.elementType
        try await client.send(
            event(
                HookedActivation(
                    hook: state.point.name, elementType: type, shapes: state.activationShapes,
                    lengths: state.tokens.map(\.count))))
        let chunk = Self.chunkBytes / type.size
        for sequence in state.tokens.indices {
            let tensor = state.value(of: sequence)
            for start in stride(from: 0, to: tensor.count, by: chunk) {
                try control.check()
                try await client.send(.values(tensor.bytes(start..<min(start + chunk, tensor.count), as: type)))
            }
        }
    }

    // MARK: - And back

    private func answer(at point: HookPoint) async throws -> HookAnswer {
        guard let answer = try await client.receive() else {
            throw LensError.invalidArgument("the pass waits at \(point) for an answer, but the client sends no more")
        }
        return answer
    }

    private mutating func replace(in state: inout some StandingPass, shapes: [[Int]]) async throws {
        let point = state.point
        try check(shapes, against: state.activationShapes, at: point)
        try checkCanBeEdited(point)
        var incoming = IncomingValues(for: point, shapes: state.activationShapes)
        while incoming.missingBytes > 0 {
            guard case .values(let bytes) = try await answer(at: point) else {
                throw LensError.invalidArgument(
                    "the replacement for \(point) lacks \(incoming.missingBytes) bytes; received another answer")
            }
            try incoming.append(bytes)
        }
        try incoming.replaceActivation(of: &state, control: control)
    }

    private func check(_ received: [[Int]], against expected: [[Int]], at point: HookPoint) throws(LensError) {
        guard received.count == expected.count else {
            throw .invalidArgument(
                "a replacement for \(point) has \(expected.count) sequences here; received \(received.count)")
        }
        for (sequence, (received, expected)) in zip(received, expected).enumerated() where received != expected {
            throw .invalidArgument(
                "a replacement for \(point) has the shape \(expected) in sequence \(sequence); received \(received)")
        }
    }

    /// An edited input of the heads is normed head by head, so the block's own norm is not there to be edited.
    private mutating func checkCanBeEdited(_ point: HookPoint) throws(LensError) {
        guard let layer = point.layer else { return }
        if point.kind.isHeadInput { layersWithEditedInputs.insert(layer) }
        if point.kind == .ln1Scale || point.kind == .ln1Normalized, layersWithEditedInputs.contains(layer) {
            throw .invalidArgument(
                "\(point.name) cannot be edited together with the inputs of layer \(layer)'s heads, "
                    + "which have norms of their own")
        }
    }
}

extension HookKind {
    /// Whether the point is an input of the heads, each of which norms what it gets.
    fileprivate var isHeadInput: Bool { [.attnIn, .qInput, .kInput, .vInput].contains(self) }
}

extension StandingPass {
    /// The shapes of the activation at ``point``, one per sequence, in the hook table's axes.
    var activationShapes: [[Int]] { tokens.indices.map { shape(of: $0) } }
}
