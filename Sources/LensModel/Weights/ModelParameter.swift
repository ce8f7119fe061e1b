import LensCore
import LensTensor

/// A parameter under TransformerLens's name and in its layout, as `HookedTransformer` holds it in one form.
///
/// No such matrix is in memory: it says how some of its entries are made when they are asked for.
public struct ModelParameter: Sendable {
    /// As in `HookedTransformer.state_dict()`, such as `blocks.0.attn.W_Q`.
    public let name: String
    public let shape: [Int]
    let source: Source

    enum Source: Sendable {
        /// As it lies in memory.
        case stored(Tensor)
        /// Zeros: what TransformerLens keeps for a bias that the model has not.
        case zeros
        /// Rows that are written to the residual stream: `[row, dModel]`.
        case rows(Tensor, scale: Float, centers: Bool)
        /// A linear layer, which TransformerLens keeps the other way round.
        case turned(TurnedMatrix)
    }

    /// Numbers in one entry of the first axis.
    public var entryWidth: Int { shape.dropFirst().reduce(1, *) }
}

/// A linear layer's `[outputs, inputs]` matrix as `[inputs, outputs]`, with what the weight processing makes of it:
/// see ``TurnedTerms``.
struct TurnedMatrix: Sendable {
    let weight: Weight
    /// What of the result an entry of the first axis is.
    let layout: Layout
    /// `[inputs]`: the weight of a norm that is folded into the matrix.
    var entering: Tensor?
    /// Whether each output loses its mean over the inputs, as behind a layer norm.
    var centersInputs = false
    /// Whether each input loses its mean over the outputs.
    var centersOutputs = false

    enum Layout: Sendable {
        /// An input: `[inputs, outputs]`.
        case inputs
        /// A head's inputs: `[head, dHead, outputs]`.
        case headsOfInputs(dHead: Int)
        /// A head's outputs: `[head, inputs, dHead]`; the same ones for some heads in a row, where they share them.
        case headsOfOutputs(dHead: Int, sharing: Int)
    }
}

extension LanguageModel {
    /// Every parameter of a form, in the order of a pass.
    public func parameters(_ form: ModelReference.Form) -> [ModelParameter] {
        ParameterTable(self, form).parameters
    }

    /// The parameter that a name means: as listed, without what stands before the last dot for those outside the blocks
    /// (`W_E`), and `W_K` for the keys of every head where several heads share one (`_W_K`).
    ///
    /// - Throws: `NOT_FOUND` with near names.
    public func parameter(_ name: String, _ form: ModelReference.Form) throws(LensError) -> ModelParameter {
        let table = ParameterTable(self, form)
        let all = table.parameters + table.namesakes
        if let found = all.first(where: { $0.name == name }) { return found }
        let wanted = Array(name.utf8.prefix(128))
        let near = table.parameters.map { ($0.name, editDistance(wanted, Array($0.name.utf8))) }
            .sorted { $0.1 < $1.1 }.prefix(4).map(\.0)
        throw .notFound(
            "no parameter '\(name.prefix(128))' in this model; near names: \(near.joined(separator: ", "))")
    }
}
