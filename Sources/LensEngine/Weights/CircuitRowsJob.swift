import LensCore
import LensModel
import LensTensor

/// The largest entries of some rows of heads' circuits: the rows of all heads meet the vocabulary together.
final class CircuitRowsJob: PassJob {
    private let kind: CircuitKind
    private let subject: PassSubject
    private let heads: [HeadPlace]
    private let tokens: [Int32]
    private let topCount: Int
    /// −1 where the smallest are wanted: the largest of what is turned over.
    private let sign: Float
    private var vocabulary: CircuitVocabulary?
    /// `[token, dModel]`
    private var embedded: Tensor?
    private var layers: ArraySlice<(layer: Int, places: [Int])>
    /// Per head `[token, dModel]`, then all of them, `[head · token, dModel]`.
    private var parts: [Tensor]
    private var rows: Tensor?
    private var done = 0
    private var best: [[CircuitEntries.Entry]]

    init(_ request: CircuitRequest, heads: [HeadPlace], of subject: PassSubject) {
        kind = request.kind
        self.subject = subject
        self.heads = heads
        tokens = request.tokens
        topCount = request.topCount
        sign = request.wantsSmallest ? -1 : 1
        layers = heads.byLayer[...]
        parts = Array(repeating: Tensor(zeros: [0]), count: heads.count)
        best = Array(repeating: [], count: heads.count * request.tokens.count)
    }

    var cost: PassCost {
        PassCost(
            operations: Self.operations(subject.configuration, rows: best.count), rows: 0,
            bytes: 4 * best.count * subject.configuration.dModel)
    }

    var progress: PassProgress? { PassProgress(done: done, total: subject.configuration.dVocab) }

    static func operations(_ c: ModelConfiguration, rows: Int) -> Double {
        2 * Double(rows) * Double(c.dModel) * Double(c.dVocab + 2 * c.dHead)
    }

    func step(on compute: Compute) throws(LensError) -> CircuitEntries? {
        guard let vocabulary, let embedded else {
            try begin(on: compute)
            return nil
        }
        if let (layer, places) = layers.popFirst() {
            let circuits = try LayerCircuits(
                kind, layer: layer, of: subject.model, subject.recipe.model.form, on: compute)
            for place in places {
                let (input, output) = try circuits.factors(head: heads[place].head, on: compute)
                let within = try compute.pool.product(embedded, input, control: compute.control)
                var part = try compute.pool.product(within, output, control: compute.control)
                part.scale(by: sign)
                parts[place] = part
            }
            return nil
        }
        if rows == nil {
            rows = Tensor.stacking(parts.map { ($0, 0..<tokens.count) })
            parts = []
        }
        guard let rows else { return nil }
        try meet(vocabulary, rows, on: compute)
        return done == subject.configuration.dVocab ? entries : nil
    }

    private func begin(on compute: Compute) throws(LensError) {
        let vocabulary = try CircuitVocabulary(kind, of: subject.model, subject.recipe.model.form, on: compute)
        var rows: [(tensor: Tensor, rows: Range<Int>)] = []
        for token in tokens {
            rows.append((try vocabulary.rows(Int(token)..<Int(token) + 1, on: compute), 0..<1))
        }
        embedded = Tensor.stacking(rows)
        self.vocabulary = vocabulary
    }

    /// The next tokens of the vocabulary.
    private func meet(_ vocabulary: CircuitVocabulary, _ rows: Tensor, on compute: Compute) throws(LensError) {
        let c = subject.configuration
        let count = max(CircuitEntries.blockBytes / (4 * max(rows.shape[0], c.dModel)), 1)
        let block = done..<min(done + count, c.dVocab)
        let values = try compute.pool.product(rows, vocabulary.columns(block, on: compute), control: compute.control)
        let largest = try compute.pool.largest(topCount, of: values, control: compute.control)
        for (row, found) in largest.enumerated() {
            let token = tokens[row % tokens.count]
            best[row].keepLargest(
                topCount,
                with: found.map {
                    CircuitEntries.Entry(row: token, column: Int32(block.lowerBound + $0.column), value: $0.value)
                })
        }
        done = block.upperBound
    }

    private var entries: CircuitEntries {
        CircuitEntries(
            heads: heads.indices.map { head in
                best[head * tokens.count..<(head + 1) * tokens.count].flatMap { $0 }.map {
                    CircuitEntries.Entry(row: $0.row, column: $0.column, value: sign * $0.value)
                }
            })
    }
}
