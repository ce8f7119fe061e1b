import LensCore
import LensTensor

/// A forward pass kept for the way back.
///
/// Each block's beginning is kept, and what the way back needs of the block as long as the memory for it lasts; the rest
/// is computed again from the beginning, block by block.
public struct ForwardTape: Sendable {
    public let edits: any PassEdits
    /// Every point at which the way back has to be able to stand.
    let named: Set<HookPoint>
    /// Where the pass ended, or stands while it is recorded.
    private(set) var state: ForwardState
    /// Where the way back begins.
    public let end: HookPoint
    private let capacity: Int
    /// Passes that stand at `resid_pre`, unedited.
    private var beginnings: [ForwardState] = []
    private var records: [BlockRecord?] = []
    private var recordedBytes = 0
    /// The residual stream that the final norm took, and the norm's scale where that was edited.
    private(set) var finalStream: Tensor?
    private(set) var finalScale: Tensor?
    /// What a norm behind the embedding took, and its scale.
    private(set) var embedded: (values: Tensor, scale: Tensor)?

    /// Prepares a pass that stands at its beginning.
    ///
    /// - Parameters:
    ///   - reading: points at which gradients are only looked at.
    ///   - changing: points at which gradients may be added or replaced.
    ///   - end: the last point that the way back knows: what follows is never computed.
    ///   - capacity: bytes for what would otherwise be computed again.
    /// - Throws: `INVALID_ARGUMENT` where a norm and the inputs that have norms of their own are both changed;
    ///   `UNIMPLEMENTED` for a model of which gradients are not supported.
    public init(
        _ state: ForwardState, edits: any PassEdits, reading: Set<HookPoint>, changing: Set<HookPoint>,
        end: HookPoint, capacity: Int
    ) throws(LensError) {
        try BackwardSupport.check(state.configuration)
        let changed = changing.union(edits.points)
        named = changed.union(reading)
        for point in changed where point.kind == .ln1Scale || point.kind == .ln1Normalized {
            guard let layer = point.layer, Self.splitsInputs(named, layer: layer) else { continue }
            throw .invalidArgument(
                "\(point.name) cannot be changed together with the inputs of layer \(layer)'s heads, "
                    + "which have norms of their own")
        }
        self.state = state
        self.edits = edits
        self.end = end
        self.capacity = capacity
    }

    var model: LanguageModel { state.model }
    var form: WeightForm { state.form }
    var rows: [Range<Int>] { state.rows }

    /// The tokens of each sequence, as run.
    public var tokens: [[Int32]] { state.tokens }

    /// Records the next part of the pass: what comes before the blocks, a block, what comes behind them.
    ///
    /// - Returns: whether the whole is recorded.
    public mutating func record(on compute: Compute) throws(LensError) -> Bool {
        let layer = beginnings.count
        if state.point.kind == .tokens {
            let points = state.configuration.hookPoints.prefix { $0 < HookPoint(.residPre, layer: 0) }
            for point in points where point <= end {
                try visit([point], in: &state, on: compute)
                guard point.kind == .embedNormScale, let scale = state.live[point.kind] else { continue }
                embedded = (state.residual, scale)
            }
            return end.layer == nil && end.kind <= .posEmbed
        }
        if layer < state.configuration.nLayers {
            try state.advance(to: HookPoint(.residPre, layer: layer), on: compute)
            beginnings.append(state)
            let record = try self.record(ofBlock: layer, in: &state, on: compute)
            recordedBytes += record.byteCount
            records.append(recordedBytes <= capacity ? record : nil)
            return end.layer == layer
        }
        finalStream = state.residual
        let points = edits.points.filter { $0 > HookPoint(.residPost, layer: layer - 1) && $0 <= end }
        for point in points {
            try visit([point], in: &state, on: compute)
            if point.kind == .lnFinalScale { finalScale = state.live[.lnFinalScale] }
        }
        return true
    }

    /// What the way back needs of a block: kept, or computed again.
    func record(ofBlock layer: Int, on compute: Compute) throws(LensError) -> BlockRecord {
        guard records.indices.contains(layer) else {
            throw LensError(.internal, "the tape does not reach layer \(layer)")
        }
        if let record = records[layer] { return record }
        var state = beginnings[layer]
        return try record(ofBlock: layer, in: &state, on: compute)
    }

    /// Takes a pass through a block up to `resid_post`, edits included.
    private func record(
        ofBlock layer: Int, in state: inout ForwardState, on compute: Compute
    ) throws(LensError) -> BlockRecord {
        var record = BlockRecord()
        let points = Set(BlockRecord.points(state.configuration, layer: layer, seesPatterns: seesPatterns(layer)))
            .union(edits.points.filter { $0.layer == layer })
            .union([HookPoint(.residPost, layer: layer)])
            .filter { $0 <= end }
            .sorted()
        for point in points {
            try state.advance(to: point, on: compute)
            record.see(state, isEdited: false)
            try edits.apply(to: &state, control: compute.control)
            record.see(state, isEdited: true)
        }
        return record
    }

    private func visit(_ points: [HookPoint], in state: inout ForwardState, on compute: Compute) throws(LensError) {
        for point in points {
            try state.advance(to: point, on: compute)
            try edits.apply(to: &state, control: compute.control)
        }
    }

    // MARK: - Ways

    /// Whether the way back goes through scores and patterns one by one.
    func seesPatterns(_ layer: Int) -> Bool {
        named.contains(HookPoint(.attnScores, layer: layer)) || named.contains(HookPoint(.pattern, layer: layer))
    }

    /// Whether the way back goes through an input and a norm of each head.
    func splitsInputs(_ layer: Int) -> Bool { Self.splitsInputs(named, layer: layer) }

    private static func splitsInputs(_ named: Set<HookPoint>, layer: Int) -> Bool {
        [HookKind.attnIn, .qInput, .kInput, .vInput].contains { named.contains(HookPoint($0, layer: layer)) }
    }
}

extension ForwardTape {
    /// The bytes that a tape of some rows takes at most: what is kept of the blocks, and the way back through one.
    ///
    /// - Parameter lengths: of the sequences.
    public static func predictedBytes(
        _ configuration: ModelConfiguration, lengths: [Int], named: Set<HookPoint>, capacity: Int
    ) -> Int {
        let c = configuration
        let rows = lengths.reduce(0, +)
        let squares = lengths.reduce(0) { $0 + c.nHeads * $1 * $1 }
        let stream = rows * c.dModel
        let turned = c.positionalEmbedding.rotary == nil ? 1 : 2
        let heads = rows * c.dHead * (turned * (c.nHeads + c.nKeyValueHeads) + c.nKeyValueHeads)
        let norms = c.normPlacement == .before ? 0 : 2 * stream
        let record = 2 * stream + heads + norms + rows * max(c.activationsOfMLP - c.dMLP, 0)
        var largest = 0
        var kept = 0
        for layer in 0..<c.nLayers {
            let kinds = Set(named.filter { $0.layer == layer }.map(\.kind))
            let seesPatterns = !kinds.isDisjoint(with: [.attnScores, .pattern])
            let splits = !kinds.isDisjoint(with: [.attnIn, .qInput, .kInput, .vInput])
            let own = record + (seesPatterns ? 2 * squares : 0)
            kept += own
            let splitHeads = (splits ? 8 : 0) + (kinds.contains(.result) ? 2 : 0)
            largest = max(
                largest, 2 * own + (seesPatterns ? 2 * squares : 0) + splitHeads * stream * c.nHeads)
        }
        let logits = named.contains(HookPoint(.logits)) ? 3 * rows * c.dVocab : 4 * stream
        return 4 * (c.nLayers * stream + max(largest, logits)) + min(4 * kept, capacity)
    }
}
