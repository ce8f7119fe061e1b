import LensCore
import LensTensor

/// A backward pass as a value: it stands at a hook point and holds the gradient of a scalar with respect to everything
/// that is alive there. It can be advanced to an earlier point, read, edited, copied and parked (kept).
///
/// The gradient at a point is what PyTorch calls the gradient of the activation: how the scalar would change if the
/// activation, with the edits at the point made, changed and all that follows were computed from it. Edits at a point
/// are passed when the state leaves it.
///
/// The forward pass comes from a ``ForwardTape``. Copying costs nothing.
public struct BackwardState: Sendable {
    public let tape: ForwardTape
    /// The hook point whose gradient can be read and edited now.
    public internal(set) var point: HookPoint

    /// With respect to the residual stream, `[row, dModel]`.
    var residual: Tensor
    /// With respect to what is alive beside it, by the point it belongs to; what is missing is zero.
    var live: [HookKind: Tensor] = [:]
    /// With respect to scores or patterns, one `[head, pos, sourcePos]` per sequence.
    var squares: [Tensor] = []
    /// With respect to the residual stream as the block's own norm takes it.
    var normInput: Tensor?
    /// Of the block that the state is in.
    var record: (layer: Int, values: BlockRecord)?
    /// Whether the edits at ``point`` are behind the gradient already.
    private var isBehindEdits = false

    /// Begins at the tape's end with a gradient of zero; ``add(_:of:)`` makes it another.
    ///
    /// - Throws: `CANCELLED`, `DEADLINE_EXCEEDED`.
    public init(_ tape: ForwardTape, on compute: Compute) throws(LensError) {
        self.tape = tape
        point = tape.end
        residual = Tensor(zeros: [tape.state.rowCount, tape.state.configuration.dModel])
        if let layer = point.layer { record = (layer, try tape.record(ofBlock: layer, on: compute)) }
        fill()
    }

    public var configuration: ModelConfiguration { tape.state.configuration }

    /// Goes back to a hook point, through every edit on the way.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the pass is already before the point; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public mutating func advance(to target: HookPoint, on compute: Compute) throws(LensError) {
        guard target <= point, target.kind != .tokens else {
            throw .invalidArgument("the backward pass stands at \(point) and cannot go to \(target)")
        }
        while point > target { try leave(on: compute) }
        guard point == target else {
            throw LensError(.internal, "the tape was not made for the gradient of \(target)")
        }
    }

    /// Goes back to the next point before this one.
    mutating func leave(on compute: Compute) throws(LensError) {
        try compute.control.check()
        if !isBehindEdits, tape.edits.points.contains(point) {
            try tape.edits.applyAdjoint(to: &self, control: compute.control)
        }
        try step(on: compute)
        isBehindEdits = false
        fill()
    }

    /// Takes the gradient at ``point`` for the one before the edits there: they are not passed any more.
    public mutating func skipEdits() { isBehindEdits = true }

    /// What is missing at the point is zero: so that it can be edited.
    private mutating func fill() {
        switch place {
        case .residual: break
        case .squares:
            if squares.isEmpty { squares = tape.rows.map { zeros(like: point.kind, rows: $0.count) } }
        case .live(let kind):
            if live[kind] == nil { live[kind] = zeros(like: kind, rows: tape.state.rowCount) }
        }
    }

    func zeros(like kind: HookKind, rows: Int) -> Tensor { Tensor(zeros: configuration.shape(of: kind, pos: rows)) }

    /// Takes a gradient out of the state; zero where there was none.
    mutating func take(_ kind: HookKind) -> Tensor {
        live.removeValue(forKey: kind) ?? zeros(like: kind, rows: tape.state.rowCount)
    }
}

// MARK: - Reading and editing

extension BackwardState {
    /// The gradient at ``point`` of one sequence, without the batch, in the shape of the hook table.
    public func gradient(of sequence: Int) -> Tensor {
        let shape = configuration.shape(of: point.kind, pos: tape.tokens[sequence].count)
        let own = tape.rows[sequence]
        switch place {
        case .squares: return squares[sequence]
        case .residual: return residual.rows(own)
        case .live(let kind): return live[kind]?.rows(own).reshaped(shape) ?? Tensor(zeros: shape)
        }
    }

    /// Changes the gradient at ``point`` of one sequence, in place.
    ///
    /// - Parameter body: gets the values, row-major in the shape of the hook table, and that shape.
    public mutating func edit(
        _ sequence: Int, _ body: (UnsafeMutableBufferPointer<Float>, [Int]) throws(LensError) -> Void
    ) throws(LensError) {
        let shape = configuration.shape(of: point.kind, pos: tape.tokens[sequence].count)
        let count = shape.reduce(1, *)
        func apply(_ tensor: inout Tensor, from offset: Int) throws(LensError) {
            try tensor.withMutablePointer { (values) throws(LensError) in
                try body(UnsafeMutableBufferPointer(start: values + offset, count: count), shape)
            }
        }
        let offset = tape.rows[sequence].lowerBound * (count / max(tape.tokens[sequence].count, 1))
        switch place {
        case .squares: try apply(&squares[sequence], from: 0)
        case .residual: try apply(&residual, from: offset)
        case .live(let kind):
            var tensor = take(kind)
            try apply(&tensor, from: offset)
            live[kind] = tensor
        }
    }

    /// Adds to the gradient at ``point`` of one sequence.
    ///
    /// - Parameter cotangent: in the shape of the hook table.
    public mutating func add(_ cotangent: Tensor, of sequence: Int) throws(LensError) {
        let point = point
        try edit(sequence) { (values, shape) throws(LensError) in
            guard cotangent.shape == shape else {
                throw .invalidArgument("the gradient at \(point) has shape \(shape); received \(cotangent.shape)")
            }
            cotangent.withPointer { for index in values.indices { values[index] += $0[index] } }
        }
    }

    private enum Place {
        case residual, squares
        case live(HookKind)
    }

    private var place: Place {
        switch point.kind {
        case .residPre, .residMid, .residPost: .residual
        case .attnScores, .pattern: .squares
        default: .live(point.kind)
        }
    }
}
