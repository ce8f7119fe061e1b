import LensCore
import LensModel
import LensTensor

/// Splits logits of some positions into what they are the sum of, one prompt's pass a step.
final class AttributionJob: PassJob {
    /// What is wanted, held against the model and the prompts.
    struct Question: Sendable {
        /// Per prompt.
        var positions: [[Int]]
        /// Per prompt; none means the likeliest at each position.
        var answers: [Int32]
        var wrong: [Int32]
        var detail: AttributionDetail
        var topCount: Int
        var withMid: Bool
    }

    private let subject: PassSubject
    private let question: Question
    private var prompts: ArraySlice<Int>
    private var finished = Outcome(components: [], prompts: [])

    init(_ subject: PassSubject, _ question: Question) {
        self.subject = subject
        self.question = question
        prompts = Array(subject.recipe.tokens.indices)[...]
    }

    var cost: PassCost {
        // Without an answer, what is split is known behind a first pass only, whose rows meet the vocabulary.
        guard question.answers.isEmpty else { return subject.costOneByOne() }
        return subject.costOneByOne(passes: 2, readRows: question.positions.reduce(0) { $0 + $1.count })
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            let answers = try answers(of: prompt, on: compute)
            let wrong =
                question.wrong.isEmpty ? [] : answers.map { _ in question.wrong.entry(of: prompt) }
            let terms = try terms(of: prompt, answers: answers, wrong: wrong, on: compute)
            finished.components = terms.components
            finished.prompts.append(
                Outcome.Part(
                    answers: answers, wrong: wrong, totals: terms.totals, terms: terms.terms,
                    neurons: terms.neurons.flatMap { $0 }))
        }
        return prompts.isEmpty ? finished : nil
    }

    /// The tokens whose logits are split, one per position.
    private func answers(of prompt: Int, on compute: Compute) throws(LensError) -> [Int32] {
        let positions = question.positions[prompt]
        guard question.answers.isEmpty else {
            return positions.map { _ in question.answers.entry(of: prompt) }
        }
        var pass = try AnalyzedSequence(subject, prompt: prompt, positions: positions)
        let final = try pass.finalRows(on: compute)
        var likeliest: [Int32] = []
        // A block of logits takes some tens of megabytes.
        let step = max((4 << 20) / max(subject.configuration.dVocab, 1), 1)
        for first in stride(from: 0, to: positions.count, by: step) {
            let rows = final.rows(first..<min(first + step, positions.count))
            let logits = try compute.pool.logits(
                rows, through: subject.model.form(subject.recipe.model.form).unembedding,
                control: compute.control)
            likeliest += try compute.pool.predictions(
                logits, against: nil, top: 1, asking: Array(repeating: [], count: logits.shape[0]),
                control: compute.control
            ).map { $0.top.first?.token ?? 0 }
        }
        return likeliest
    }

    // MARK: - What goes by

    private func terms(
        of prompt: Int, answers: [Int32], wrong: [Int32], on compute: Compute
    ) throws(LensError) -> LogitTerms.Finished {
        var pass = try AnalyzedSequence(subject, prompt: prompt, positions: question.positions[prompt])
        var terms = try LogitTerms(of: pass.state, answers: answers, wrong: wrong, on: compute)
        let c = subject.configuration
        if question.detail == .accumulated {
            for layer in 0..<c.nLayers {
                terms.add(
                    try pass.rows(at: .residPre, layer, on: compute),
                    as: ResidualComponent(.residPre, layer: layer))
                guard question.withMid else { continue }
                terms.add(
                    try pass.rows(at: .residMid, layer, on: compute),
                    as: ResidualComponent(.residMid, layer: layer))
            }
            terms.add(
                try pass.rows(at: .residPost, c.nLayers - 1, on: compute), as: ResidualComponent(.residPre))
        } else {
            terms.add(try pass.rows(at: .embed, nil, on: compute), as: ResidualComponent(.embed))
            if c.positionalEmbedding == .standard {
                terms.add(try pass.rows(at: .posEmbed, nil, on: compute), as: ResidualComponent(.posEmbed))
            }
            for layer in 0..<c.nLayers { try add(layer, to: &terms, from: &pass, on: compute) }
        }
        let scale = c.has(.lnFinalScale) ? try pass.rows(at: .lnFinalScale, nil, on: compute) : nil
        let final = try pass.finalRows(on: compute)
        let isEdited = subject.plan.points.contains {
            $0.isUnaccounted || $0.kind == .lnFinalScale || $0.kind == .lnFinalNormalized
        }
        return terms.finished(
            final: final, scale: scale, hasRest: isEdited && question.detail != .accumulated)
    }

    /// What a layer writes.
    private func add(
        _ layer: Int, to terms: inout LogitTerms, from pass: inout AnalyzedSequence, on compute: Compute
    ) throws(LensError) {
        let c = subject.configuration
        if question.detail == .heads {
            let z = try pass.rows(at: .z, layer, on: compute)
            try terms.addHeads(
                of: layer, z: z,
                scale: pass.scale(amongst: [.ln1PostScale, .ln1OutScale], layer, on: compute),
                on: compute)
        } else {
            terms.add(
                try pass.rows(at: .attnOut, layer, on: compute),
                as: ResidualComponent(.attention, layer: layer))
        }
        guard c.has(.mlpOut) else { return }
        if question.detail == .neurons, question.topCount > 0 {
            let post = try pass.rows(at: .mlpPost, layer, on: compute)
            try terms.addNeurons(
                of: layer, post: post,
                scale: pass.scale(amongst: [.ln2PostScale, .ln2OutScale], layer, on: compute),
                top: question.topCount, on: compute)
        }
        terms.add(
            try pass.rows(at: .mlpOut, layer, on: compute), as: ResidualComponent(.mlp, layer: layer))
    }

    struct Outcome: KeptAnswer {
        struct Part: Sendable {
            var answers: [Int32]
            var wrong: [Int32]
            var totals: [Float]
            var terms: [Float]
            var neurons: [NeuronTerm]
        }

        var components: [ResidualComponent]
        var prompts: [Part]

        func copied() -> Outcome { Outcome(components: components.copied(), prompts: prompts.copied()) }

        var byteCount: Int {
            components.count * MemoryLayout<ResidualComponent>.stride
                + prompts.reduce(0) { total, part in
                    total + 4 * (part.answers.count + part.wrong.count + part.totals.count + part.terms.count)
                        + part.neurons.count * MemoryLayout<NeuronTerm>.stride + 128
                }
        }
    }
}

extension [Int32] {
    /// One for all prompts, or one per prompt.
    fileprivate func entry(of prompt: Int) -> Int32 { count == 1 ? self[0] : self[prompt] }
}
