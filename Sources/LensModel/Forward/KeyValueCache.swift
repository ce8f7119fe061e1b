import LensCore
import LensTensor

/// The keys and values of positions that have been run: with it a pass goes on where another ended.
///
/// One entry per sequence, each with as many positions as it has; the entries of several caches can be put together and
/// picked from without copying a row.
public struct KeyValueCache: Sendable {
    /// One layer of one sequence: `[pos, keyHead · dHead]` each.
    struct Layer: Sendable {
        var keys: GrowingRows
        var values: GrowingRows
    }

    /// The model and the form that the keys belong to.
    let model: LanguageModel
    let form: ModelReference.Form
    /// Per sequence, per layer.
    var sequences: [[Layer]]

    /// Nothing kept yet, for a number of sequences.
    public init(_ model: LanguageModel, form: ModelReference.Form, sequences count: Int) {
        let c = model.configuration
        let rows = GrowingRows(width: c.nKeyValueHeads * c.dHead, limit: c.nCtx)
        self.model = model
        self.form = form
        sequences = Array(
            repeating: Array(repeating: Layer(keys: rows, values: rows), count: c.nLayers), count: count)
    }

    /// How many positions each sequence has.
    public var counts: [Int] { sequences.map { $0.first?.keys.count ?? 0 } }

    /// Moves everything out, so that the receiver of the rows is the only one to have them.
    public mutating func take() -> KeyValueCache {
        defer { sequences = [] }
        return self
    }

    /// Puts another's entries behind these.
    ///
    /// - Precondition: both are of the same model and form.
    public mutating func append(_ other: consuming KeyValueCache) {
        precondition(other.model === model && other.form == form, "keys of one model do not follow those of another")
        sequences += other.sequences
    }

    /// The entries of some sequences, in the order given; a sequence may be taken any number of times.
    public func taking(_ wanted: [Int]) -> KeyValueCache {
        var part = self
        part.sequences = wanted.map { sequences[$0] }
        return part
    }

    /// Bytes that the keys and values of one sequence of so many positions take at most, while they grow included.
    public static func byteCount(positions: Int, of configuration: ModelConfiguration) -> Int {
        let row = configuration.nKeyValueHeads * configuration.dHead * MemoryLayout<Float>.stride
        // Room is taken in doubling steps.
        return 2 * configuration.nLayers * row * min(2 * positions, configuration.nCtx)
    }
}
