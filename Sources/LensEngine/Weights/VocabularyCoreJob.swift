import LensCore
import LensModel
import LensTensor

/// Multiplies what stands around every head's circuit, `[dModel, dModel]`: `W_U W_E` for OV, `W_Eᵀ W_E` for QK.
///
/// With it the eigenvalues of a head's `[dVocab, dVocab]` circuit are those of a matrix `[dHead, dHead]`: the products
/// AB and BA have the same ones but for zeros.
final class VocabularyCoreJob: PassJob {
    private let kind: CircuitKind
    private let subject: PassSubject
    private var vocabulary: CircuitVocabulary?
    private var sum: Tensor?
    private var done = 0
    private let tokens: Int

    init(_ kind: CircuitKind, of subject: PassSubject) {
        self.kind = kind
        self.subject = subject
        tokens = subject.configuration.dVocab
    }

    var cost: PassCost { PassCost(operations: Self.operations(subject.configuration), rows: 0) }
    var progress: PassProgress? { PassProgress(done: done, total: tokens) }

    static func operations(_ c: ModelConfiguration) -> Double {
        2 * Double(c.dVocab) * Double(c.dModel) * Double(c.dModel)
    }

    func step(on compute: Compute) throws(LensError) -> Value? {
        guard let vocabulary else {
            vocabulary = try CircuitVocabulary(kind, of: subject.model, subject.recipe.model.form, on: compute)
            return nil
        }
        // Rows and columns of a block take 16 MiB.
        let count = max((2 << 20) / subject.configuration.dModel, 1)
        let block = done..<min(done + count, tokens)
        sum = try compute.pool.product(
            vocabulary.columns(block, on: compute), vocabulary.rows(block, on: compute), addingTo: sum,
            control: compute.control)
        done = block.upperBound
        return done == tokens ? sum.map { Value(matrix: $0) } : nil
    }

    struct Value: KeptAnswer {
        let matrix: Tensor
        func copied() -> Value { Value(matrix: matrix.rows(0..<matrix.shape[0])) }
        var byteCount: Int { matrix.byteCount }
    }
}
