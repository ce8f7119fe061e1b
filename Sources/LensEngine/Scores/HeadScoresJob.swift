import LensCore
import LensModel
import LensTensor

/// Scores the patterns of all heads, prompt by prompt; no more than one layer's patterns are held at a time, and of each
/// head a ``HeadTally``.
final class HeadScoresJob: PassJob {
    private let subject: PassSubject
    private var prompts: Range<Int>
    private let tallies: [HeadTally]
    private var fitted: [Outcome.Head] = []

    init(_ subject: PassSubject) {
        self.subject = subject
        prompts = subject.recipe.tokens.indices
        let configuration = subject.configuration
        let length = subject.recipe.tokens.map(\.count).max() ?? 0
        tallies = (0..<configuration.headCount).map { head in
            HeadTally(keys: configuration.visibleKeys(layer: head / configuration.nHeads), length: length)
        }
    }

    var cost: PassCost {
        PassCost(
            operations: subject.operations(), rows: subject.rowCount,
            bytes: tallies.count * 8 * (2 * CountedRows.folds + 2) * (subject.recipe.tokens.map(\.count).max() ?? 0))
    }

    /// Prompts.
    var progress: PassProgress? {
        PassProgress(done: prompts.lowerBound, total: subject.recipe.tokens.count)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            try take(prompt, on: compute)
            return nil
        }
        try fit(on: compute)
        return fitted.count == tallies.count ? Outcome(heads: fitted) : nil
    }

    private func take(_ prompt: Int, on compute: Compute) throws(LensError) {
        let tokens = HeadPrompt(tokens: subject.recipe.tokens[prompt])
        try subject.visitPatterns(of: prompt, on: compute) { [tallies] (layer, patterns) throws(LensError) in
            let nHeads = subject.configuration.nHeads
            let size = patterns.count / nHeads
            for rows in HeadPrompt.parts(ofRows: tokens.length) {
                try compute.pool.run(blocks: nHeads, control: compute.control) { head in
                    patterns.withPointer {
                        tallies[layer * nHeads + head].add(
                            tokens, index: prompt,
                            pattern: UnsafeBufferPointer(start: $0 + head * size, count: size), rows: rows)
                    }
                }
            }
        }
    }

    /// The next layer's heads.
    private func fit(on compute: Compute) throws(LensError) {
        let nHeads = subject.configuration.nHeads
        let first = fitted.count
        let heads = HeadSlots<Outcome.Head>(count: min(nHeads, tallies.count - first))
        try compute.pool.run(blocks: heads.count, control: compute.control) { [tallies] head in
            let (scores, model) = tallies[first + head].scores(
                layer: (first + head) / nHeads, head: (first + head) % nHeads)
            let sums = tallies[first + head].positions
            let whole = sums.dropFirst().reduce(sums[0]) { $0 + $1 }
            heads.set(Outcome.Head(scores: scores, model: model, byDistance: whole.profile(17)), at: head)
        }
        fitted += heads.values
    }

    struct Outcome: KeptAnswer {
        struct Head: Sendable {
            let scores: HeadScores
            let model: PositionModel
            let byDistance: [Double]
        }

        let heads: [Head]
        func copied() -> Outcome { Outcome(heads: heads.copied()) }
        var byteCount: Int {
            heads.reduce(0) { $0 + MemoryLayout<HeadScores>.stride + 256 + $1.model.byteCount }
        }
    }
}

/// One value per head, put there by whichever thread computed it.
final class HeadSlots<Value: Sendable>: @unchecked Sendable {
    private let slots: UnsafeMutablePointer<Value?>
    let count: Int

    init(count: Int) {
        self.count = count
        slots = .allocate(capacity: count)
        slots.initialize(repeating: nil, count: count)
    }

    deinit {
        slots.deinitialize(count: count)
        slots.deallocate()
    }

    /// Each index is one thread's.
    func set(_ value: Value, at index: Int) { slots[index] = value }

    var values: [Value] { (0..<count).compactMap { slots[$0] } }
}

extension PassSubject {
    /// Takes one prompt through all layers; `body` gets each layer's patterns, `[head, pos, sourcePos]`.
    func visitPatterns(
        of prompt: Int, on compute: Compute, _ body: (Int, Tensor) throws(LensError) -> Void
    ) throws(LensError) {
        var state = try begin(prompts: [prompt])
        let points = (0..<configuration.nLayers).map { HookPoint(.pattern, layer: $0) }
        try visit(points, in: &state, of: [prompt], on: compute) { (state) throws(LensError) in
            try body(state.point.layer ?? 0, state.activation(of: 0))
        }
    }
}

extension ModelConfiguration {
    func visibleKeys(layer: Int) -> VisibleKeys {
        VisibleKeys(window: attnTypes[layer] == .local ? windowSize : nil)
    }
}
