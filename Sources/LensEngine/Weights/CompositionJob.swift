import LensCore
import LensModel
import LensTensor

/// How much of what each head writes each later one reads, a pair of layers a step.
///
/// `‖L R‖` of `L = W_V W_O` and, say, `R = W_Q W_Kᵀ` is `‖S_V W_O · (S_K W_Qᵀ)ᵀ‖` with the triangles of `W_V = Q S_V` and
/// `W_K = Q' S_K`: turning does not change a norm. So all heads of two layers meet in one product, and nothing
/// `[dModel, dModel]` of single heads is made.
final class CompositionJob: PassJob {
    private let kind: CompositionKind
    private let subject: PassSubject
    /// Per earlier layer, `[head, dHead, dHead]`.
    private var leftTriangles: [Tensor] = []
    /// Of the later layer: `[head, dHead, dModel]`, and the squares of the heads' norms.
    private var right: (rows: Tensor, squares: [Double])?
    private var earlier = 0
    private var later = 1
    private var done = 0
    private var scores: Tensor

    init(_ kind: CompositionKind, of subject: PassSubject) {
        self.kind = kind
        self.subject = subject
        let c = subject.configuration
        scores = Tensor(zeros: [c.nLayers, c.nHeads, c.nLayers, c.nHeads])
    }

    var cost: PassCost {
        let c = subject.configuration
        let width = Double(c.nHeads * c.dHead)
        return PassCost(
            operations: Double(pairs) * 2 * width * Double(c.dModel) * (width + 4 * Double(c.dHead)), rows: 0,
            bytes: 4 * c.headCount * c.dHead * c.dHead)
    }

    private var pairs: Int {
        let layers = subject.configuration.nLayers
        return layers * (layers - 1) / 2
    }

    /// Pairs of layers.
    var progress: PassProgress? { PassProgress(done: done, total: pairs) }

    func step(on compute: Compute) throws(LensError) -> Value? {
        let c = subject.configuration
        guard later < c.nLayers else { return Value(scores: scores) }
        if leftTriangles.count < later {
            leftTriangles.append(try triangles(of: .value, layer: leftTriangles.count, on: compute))
            return nil
        }
        guard let right else {
            self.right = try reading(layer: later, on: compute)
            return nil
        }
        try score(right.rows, right.squares, on: compute)
        done += 1
        earlier += 1
        if earlier == later {
            (earlier, later) = (0, later + 1)
            self.right = nil
        }
        return later == c.nLayers ? Value(scores: scores) : nil
    }

    private func triangles(
        of matrix: HeadMatrix, layer: Int, on compute: Compute
    ) throws(LensError) -> Tensor {
        try compute.pool.triangles(rows(matrix, layer, on: compute), control: compute.control)
    }

    private func rows(_ matrix: HeadMatrix, _ layer: Int, on compute: Compute) throws(LensError) -> Tensor {
        try subject.model.headRows(matrix, layer: layer, subject.recipe.model.form, on: compute)
    }

    /// What the later heads read with.
    private func reading(layer: Int, on compute: Compute) throws(LensError) -> (rows: Tensor, squares: [Double]) {
        let (read, rest): (HeadMatrix, HeadMatrix) =
            switch kind {
            case .q: (.query, .key)
            case .k: (.key, .query)
            case .v: (.value, .output)
            }
        return try turned(triangles(of: rest, layer: layer, on: compute), rows(read, layer, on: compute), on: compute)
    }

    private func turned(
        _ triangles: Tensor, _ rows: Tensor, on compute: Compute
    ) throws(LensError) -> (rows: Tensor, squares: [Double]) {
        let (heads, width) = (rows.shape[0], rows.rowWidth)
        let product = try compute.pool.products(triangles, rows, control: compute.control)
        return (
            product,
            try compute.pool.squareSums(
                product.reshaped([heads, width]), height: 1, width: width, control: compute.control)
        )
    }

    /// All pairs of heads of the two layers.
    private func score(_ right: Tensor, _ rightSquares: [Double], on compute: Compute) throws(LensError) {
        let c = subject.configuration
        let (left, leftSquares) = try turned(
            leftTriangles[earlier], rows(.output, earlier, on: compute), on: compute)
        let shape = [c.nHeads * c.dHead, c.dModel]
        let products = try compute.pool.multiply(
            left.reshaped(shape), by: Weight(right.reshaped(shape)), control: compute.control)
        let squares = try compute.pool.squareSums(
            products, height: c.dHead, width: c.dHead, control: compute.control)
        let (heads, stride) = (c.nHeads, c.nLayers * c.nHeads)
        let first = earlier * heads * stride + later * heads
        scores.withMutablePointer { scores in
            for head in 0..<heads {
                for reader in 0..<heads {
                    scores[first + head * stride + reader] = Float(
                        (squares[head * heads + reader] / (leftSquares[head] * rightSquares[reader])).squareRoot())
                }
            }
        }
    }

    struct Value: KeptAnswer {
        /// `[layer, head, layer, head]`
        let scores: Tensor
        func copied() -> Value { Value(scores: scores.rows(0..<scores.shape[0])) }
        var byteCount: Int { scores.byteCount }
    }
}
