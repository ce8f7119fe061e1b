import LensCore
import LensTensor

/// A pass over new tokens of sequences whose earlier positions were run before.
///
/// Rows, hook points and edits are those of the new positions; positions, masks and windows count from each sequence's
/// beginning. Scores and patterns are `[head, newPos, sourcePos]` with every position as a source, as TransformerLens
/// has them with `past_kv_cache`. Keys and values are kept as scores and `z` are made of them: edited, normed, turned.
extension ForwardState {
    /// What a pass goes on from, and how long each sequence was before.
    struct Kept: Sendable {
        var cache: KeyValueCache
        let past: [Int]
    }

    /// Begins a pass over new tokens; nothing is computed yet.
    ///
    /// - Parameters:
    ///   - tokens: the new ones, one array per sequence; with the earlier ones at most `nCtx`.
    ///   - cache: of the same model and form, with one entry per sequence. Whoever gives his only copy away saves a
    ///     copy of the rows; ``takeKept()`` gives it back with the new positions.
    /// - Throws: `INVALID_ARGUMENT` for tokens outside the vocabulary or the context, and for a cache of something else.
    public init(
        _ model: LanguageModel, form: ModelReference.Form, tokens: [[Int32]], continuing cache: consuming KeyValueCache
    ) throws(LensError) {
        guard cache.model === model, cache.form == form, cache.sequences.count == tokens.count else {
            throw .invalidArgument(
                "a pass over \(tokens.count) sequences goes on from as many of the same model and form; "
                    + "received keys of \(cache.sequences.count)")
        }
        let past = cache.counts
        for (count, new) in zip(past, tokens) where count + new.count > model.configuration.nCtx {
            throw .invalidArgument(
                "the context length is \(model.configuration.nCtx) tokens; received \(new.count) after \(count)")
        }
        try self.init(model, form: form, tokens: tokens)
        kept = Kept(cache: cache, past: past)
    }

    /// The absolute position of a sequence's first row: how many positions were run before.
    public func firstPosition(of sequence: Int) -> Int { kept?.past[sequence] ?? 0 }

    /// Whether some sequence has positions that were run before.
    public var isContinued: Bool { kept?.past.contains { $0 > 0 } ?? false }

    /// The absolute positions of a sequence's rows.
    public func positions(of sequence: Int) -> Range<Int> {
        let first = firstPosition(of: sequence)
        return first..<first + tokens[sequence].count
    }

    /// The shape of the activation at ``point`` of one sequence.
    public func shape(of sequence: Int) -> [Int] {
        let count = tokens[sequence].count
        return configuration.shape(of: point.kind, pos: count, sourcePos: firstPosition(of: sequence) + count)
    }

    /// Takes the keys and values out of a pass, its own positions among them; no later layer may need them any more.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the pass keeps none, or has not come through the last layer's attention.
    public mutating func takeKept() throws(LensError) -> KeyValueCache {
        guard let kept, point >= HookPoint(.z, layer: configuration.nLayers - 1) else {
            throw .invalidArgument("the pass stands at \(point) and has no keys and values of all layers to take")
        }
        self.kept = nil
        return kept.cache
    }

    // MARK: - Attention

    /// Each sequence's keys: those of this pass, or what is kept with them added; the values are kept with them.
    mutating func keep(_ layer: Int) throws(LensError) -> [SequenceRows] {
        let keys = try live.take(scoredKinds.keys)
        guard kept != nil else { return rows.map { SequenceRows($0, of: keys) } }
        let values = try live.take(.v)
        for (sequence, own) in rows.enumerated() {
            kept?.cache.sequences[sequence][layer].keys.append(own, of: keys)
            kept?.cache.sequences[sequence][layer].values.append(own, of: values)
        }
        return kept?.cache.sequences.map { SequenceRows($0[layer].keys) } ?? []
    }

    /// Each sequence's values, after ``keep(_:)``.
    mutating func takeValues(_ layer: Int) throws(LensError) -> [SequenceRows] {
        if let kept { return kept.cache.sequences.map { SequenceRows($0[layer].values) } }
        let values = try live.take(.v)
        return rows.map { SequenceRows($0, of: values) }
    }

    // MARK: - Joining

    /// The keys and values of passes that join: all of them keep theirs, or none does.
    static func joiningKept(_ parts: [(state: ForwardState, sequence: Int)]) -> Kept? {
        guard let first = parts.first?.state.kept else { return nil }
        var cache = first.cache
        cache.sequences = parts.compactMap { $0.state.kept?.cache.sequences[$0.sequence] }
        return Kept(cache: cache, past: parts.map { $0.state.firstPosition(of: $0.sequence) })
    }
}
