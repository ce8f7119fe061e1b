import LensCore
import LensModel

/// What a sweep will cost, told before it begins.
struct SweepCost {
    /// The most variants of one sweep.
    static let maximumVariants = 1 << 20
    /// The most numbers of its result.
    static let maximumValues = 1 << 22
    /// The most numbers of one variant.
    static let maximumColumns = 1 << 17
    /// The most floating-point operations of one sweep.
    static let maximumOperations = 4e15
    /// Bytes of other passes' activations that a sweep holds at a time.
    static let maximumSourceBytes = 256 << 20

    let grid: SweepGrid
    let reader: MetricReader
    let configuration: ModelConfiguration
    let lengths: [Int]

    /// - Parameter maximumValues: of a result that is to be recorded.
    /// - Throws: `INVALID_ARGUMENT` for a sweep beyond the limits, with its figures.
    func check(maximumValues: Int?) throws(LensError) {
        let variants = grid.variants
        guard variants <= Self.maximumVariants else {
            let count = variants == .max ? "more than can be counted" : "\(variants)"
            throw .invalidArgument("a sweep has at most \(Self.maximumVariants) variants; this one has \(count)")
        }
        let columns = reader.metrics.reduce(0) { $0 + reader.width(of: $1) }
        let limit = maximumValues ?? Self.maximumValues
        guard columns <= Self.maximumColumns, variants * columns <= limit else {
            throw .invalidArgument(
                "a sweep gives at most \(limit) numbers\(maximumValues == nil ? "" : " where it is recorded"), "
                    + "\(Self.maximumColumns) a variant; this one gives \(variants) variants x \(columns): ask for "
                    + "fewer prompts or metrics a call")
        }
        let operations = operations
        guard operations <= Self.maximumOperations else {
            throw .invalidArgument(
                "a sweep may cost \(Self.text(Self.maximumOperations)) floating-point operations; this one is predicted "
                    + "to cost \(Self.text(operations)) (\(variants) variants of \(lengths.reduce(0, +)) tokens), about "
                    + "\(Int((operations / 3.6e14).rounded(.up))) hours at 100 GFLOP/s")
        }
        guard sourceBytes <= Self.maximumSourceBytes else {
            throw .invalidArgument(
                "the sweep would hold \(sourceBytes >> 20) MiB of the other pass at a time; at most "
                    + "\(Self.maximumSourceBytes >> 20): shorter prompts, or layer by layer")
        }
    }

    /// Twice the multiplications of the layers from the first edit on and of the rows that meet the vocabulary.
    var operations: Double {
        let c = configuration
        let rows = Double(lengths.reduce(0, +))
        let squares = lengths.reduce(0.0) { $0 + Double($1) * Double($1) }
        let weights = Double(c.weightsOfBlock)
        let layer = 2 * weights * rows + 4 * squares * Double(c.nHeads * c.dHead)
        let readRows = lengths.indices.reduce(0) { $0 + reader.positions(of: $1).count }
        let meetsVocabulary = reader.metrics.contains { $0.kind.meetsVocabulary }
        let reading = meetsVocabulary ? 2 * Double(readRows) * Double(c.dVocab) * Double(c.dModel) : 0
        var total = 0.0
        for variant in 0..<grid.variants where !grid.isInert(variant) {
            guard let first = grid.span(of: variant)?.first else { continue }
            let remaining = first.layer.map { c.nLayers - $0 } ?? (first.kind < .residPre ? c.nLayers : 0)
            total += Double(remaining) * layer * (grid.sweep.path?.receivers.isEmpty == false ? 2 : 1) + reading
        }
        return total
    }

    /// Bytes that patches take from other passes at a time: they have to fit beside the model.
    var sourceBytes: Int {
        var bytes = 0.0
        for edit in grid.sweep.edits {
            guard case .patch(let recipe, _, _) = edit.action else { continue }
            let longest = recipe.tokens.map(\.count).max() ?? 0
            let one = configuration.shape(of: edit.kind, pos: longest).reduce(4.0) { $0 * Double($1) }
            // A layer's goes when its last variant is done, unless later ones edit it again.
            let needsAll = grid.sweep.isPaired || grid.sweep.edits.count > 1 || !grid.sweep.axes.contains(.layer)
            bytes += one * Double(needsAll ? max(edit.layers.count, 1) : 1)
        }
        return Int(min(bytes, 1e18))
    }

    private static func text(_ operations: Double) -> String {
        let exponent = operations <= 0 ? 0 : Int(operations.exponent) * 301 / 1000
        var scale = 1.0
        for _ in 0..<exponent { scale *= 10 }
        return "\((operations / scale * 10).rounded() / 10)e\(exponent)"
    }
}
