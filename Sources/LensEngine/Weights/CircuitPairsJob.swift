import LensCore
import LensModel
import LensTensor

/// The largest entries of heads' whole circuits, head by head and some rows of the vocabulary at a time: `[dVocab,
/// dVocab]` is gone through in its factored form and never held.
final class CircuitPairsJob: PassJob {
    private let kind: CircuitKind
    private let subject: PassSubject
    private let heads: [HeadPlace]
    private let topCount: Int
    /// −1 where the smallest are wanted: the largest of what is turned over.
    private let sign: Float
    private var vocabulary: CircuitVocabulary?
    private var current: Head?
    private var found: [[CircuitEntries.Entry]] = []

    /// A head under way.
    private struct Head {
        /// `[dModel, dHead]`
        let input: Tensor
        /// `[dHead, dModel]`
        let output: Tensor
        /// `[token, dHead]`: the circuit's columns as far as they are made.
        var columns: [Tensor] = []
        var columnsDone = 0
        /// All of them.
        var weight: Weight?
        var rowsDone = 0
        var best: [CircuitEntries.Entry] = []
    }

    init(_ request: CircuitRequest, heads: [HeadPlace], of subject: PassSubject) {
        kind = request.kind
        self.subject = subject
        self.heads = heads
        topCount = request.topCount
        sign = request.wantsSmallest ? -1 : 1
    }

    var cost: PassCost {
        PassCost(
            operations: Self.operations(subject.configuration, heads: heads.count), rows: 0,
            bytes: 8 * subject.configuration.dVocab * subject.configuration.dHead)
    }

    var progress: PassProgress? {
        let tokens = subject.configuration.dVocab
        return PassProgress(done: found.count * tokens + (current?.rowsDone ?? 0), total: heads.count * tokens)
    }

    /// Looking at an entry takes about as long as multiplying some.
    static func operations(_ c: ModelConfiguration, heads: Int) -> Double {
        let tokens = Double(c.dVocab)
        return Double(heads) * tokens * (tokens * Double(2 * c.dHead + 16) + 4 * Double(c.dModel * c.dHead))
    }

    func step(on compute: Compute) throws(LensError) -> CircuitEntries? {
        guard let vocabulary else {
            vocabulary = try CircuitVocabulary(kind, of: subject.model, subject.recipe.model.form, on: compute)
            return nil
        }
        if current == nil { current = try next(on: compute) }
        guard var head = current else { return CircuitEntries(heads: found) }
        current = nil
        if let weight = head.weight {
            try takeRows(of: &head, weight, vocabulary, on: compute)
        } else {
            try makeColumns(of: &head, vocabulary, on: compute)
        }
        if head.rowsDone < subject.configuration.dVocab {
            current = head
        } else {
            found.append(
                head.best.map { CircuitEntries.Entry(row: $0.row, column: $0.column, value: sign * $0.value) })
        }
        return found.count == heads.count ? CircuitEntries(heads: found) : nil
    }

    private func next(on compute: Compute) throws(LensError) -> Head? {
        guard found.count < heads.count else { return nil }
        let place = heads[found.count]
        let circuits = try LayerCircuits(
            kind, layer: place.layer, of: subject.model, subject.recipe.model.form, on: compute)
        var factors = try circuits.factors(head: place.head, on: compute)
        factors.output.scale(by: sign)
        return Head(input: factors.input, output: factors.output)
    }

    private func makeColumns(
        of head: inout Head, _ vocabulary: CircuitVocabulary, on compute: Compute
    ) throws(LensError) {
        let c = subject.configuration
        let count = max(CircuitEntries.blockBytes / (4 * c.dModel), 1)
        let block = head.columnsDone..<min(head.columnsDone + count, c.dVocab)
        let product = try compute.pool.product(
            head.output, vocabulary.columns(block, on: compute), control: compute.control)
        head.columns.append(try compute.pool.transposed(product, control: compute.control))
        head.columnsDone = block.upperBound
        guard head.columnsDone == c.dVocab else { return }
        head.weight = Weight(Tensor.stacking(head.columns.map { ($0, 0..<$0.shape[0]) }))
        head.columns = []
    }

    private func takeRows(
        of head: inout Head, _ weight: Weight, _ vocabulary: CircuitVocabulary, on compute: Compute
    ) throws(LensError) {
        let c = subject.configuration
        let count = max(CircuitEntries.blockBytes / (4 * max(c.dVocab, c.dModel)), 1)
        let block = head.rowsDone..<min(head.rowsDone + count, c.dVocab)
        let rows = try compute.pool.product(
            vocabulary.rows(block, on: compute), head.input, control: compute.control)
        let values = try compute.pool.multiply(rows, by: weight, control: compute.control)
        let threshold = head.best.count == topCount ? head.best.last?.value ?? -.infinity : -.infinity
        let largest = try compute.pool.largest(topCount, of: values, above: threshold, control: compute.control)
        for (row, found) in largest.enumerated() {
            let token = Int32(block.lowerBound + row)
            head.best.keepLargest(
                topCount,
                with: found.map { CircuitEntries.Entry(row: token, column: Int32($0.column), value: $0.value) })
        }
        head.rowsDone = block.upperBound
    }
}
