import LensClient
import LensCore

/// What a model makes of a fixed prompt, in a form that two implementations can be compared by.
///
/// `python -m lensd.verify` computes the same through transformers; prompt, cut and JSON are its too
/// (`lensd/parity_report.py`).
struct ParityReport: Sendable {
    /// The L2 norm of an activation's rows: mean over the positions, and at the last one.
    struct Norm: Sendable {
        let hook: String
        let mean: Double
        let last: Double
    }

    /// What came out of one form of the model.
    struct FormReport: Sendable {
        let form: ModelReference.Form
        /// The steps of weight processing that the form has, by TransformerLens's names.
        let processing: [String]
        /// Mean over the predictions, in nats; NaN for a single token.
        let loss: Double
        /// The likeliest next tokens after the last.
        let top: [Prediction]
        /// Of `blocks.0.hook_resid_pre`, every `hook_resid_post` and the logits.
        let norms: [Norm]
    }

    let model: String
    /// The daemon's version.
    let source: String
    let fingerprint: String
    let tokens: [Token]
    let forms: [FormReport]

    /// The prompt of a report unless another is given.
    static let prompt =
        "The quick brown fox jumps over the lazy dog. Once upon a time, there was a little girl named Lily."
    /// Of a prompt no more than this is run.
    private static let mostTokens = 64
    private static let topCount = 10
    /// Two forms of a model are one function: log-probabilities agree within this, absolute and relative.
    private static let tolerance = 1e-4

    /// Runs a prompt, unrecorded, through some forms of a model.
    ///
    /// - Parameter prompt: `nil` is the fixed one; of a longer prompt the beginning is run.
    static func of(
        _ model: ModelDescription, forms: [ModelReference.Form], prompt: Prompt?, daemon: DaemonVersion,
        connection: LensConnection
    ) async throws -> ParityReport {
        let tokens = try await tokens(of: prompt, model: model, connection: connection)
        let input = Prompt.tokens(tokens.map(\.id))
        var reports: [FormReport] = []
        for form in forms {
            reports.append(try await report(form, of: model, input, connection: connection))
        }
        return ParityReport(
            model: model.name, source: "lensd \(daemon.lensd)", fingerprint: model.fingerprint, tokens: tokens,
            forms: reports)
    }

    private static func tokens(
        of prompt: Prompt?, model: ModelDescription, connection: LensConnection
    ) async throws -> [Token] {
        let shape = model.configuration
        let reference = ModelReference(name: model.name)
        func tokenized(_ prompt: Prompt) async throws -> [Token] {
            try await connection.tokenize(TokenizeRequest(model: reference, prompts: [prompt])).tokens.first ?? []
        }
        var tokens: [Token]
        do {
            tokens = try await tokenized(prompt ?? .text(Self.prompt, prependBOS: true))
        } catch let error as LensError where error.code == .failedPrecondition && prompt == nil {
            // No tokenizer: token ids that any vocabulary has.
            tokens = try await tokenized(
                .tokens((0..<min(16, shape.nCtx)).map { Int32((7 * $0 + 3) % max(shape.dVocab, 1)) }))
        }
        tokens = Array(tokens.prefix(min(mostTokens, shape.nCtx)))
        guard !tokens.isEmpty else { throw LensError.invalidArgument("a report needs at least one token") }
        return tokens
    }

    private static func report(
        _ form: ModelReference.Form, of model: ModelDescription, _ prompt: Prompt, connection: LensConnection
    ) async throws -> FormReport {
        let shape = model.configuration
        let reference = ModelReference(name: model.name, form: form)
        let hooks =
            [HookPoint(.residPre, layer: 0)] + (0..<shape.nLayers).map { HookPoint(.residPost, layer: $0) }
            + [HookPoint(.logits)]
        let reply = try await connection.run(
            RunRequest(
                model: reference, prompts: [prompt], topCount: min(topCount, shape.dVocab),
                keep: .names(hooks.map(\.name)), isRecorded: false))
        var norms: [Norm] = []
        for hook in hooks {
            let activation = try await connection.activation(
                QueryRequest(source: .prompts(reference, [prompt], []), hook: hook.name, prompts: [0]))
            norms.append(try Norm(activation))
        }
        return FormReport(
            form: form, processing: form == .raw ? [] : shape.processingSteps.map(\.rawValue), loss: reply.loss,
            top: reply.prompts.first?.top ?? [], norms: norms)
    }

    /// What the two forms disagree about, though weight processing changes no probability; empty for one form alone.
    var disagreements: [String] {
        guard let raw = forms.first(where: { $0.form == .raw }),
            let processed = forms.first(where: { $0.form == .processed })
        else { return [] }
        func agree(_ left: Double, _ right: Double) -> Bool {
            left.isNaN && right.isNaN || abs(left - right) <= Self.tolerance + Self.tolerance * abs(right)
        }
        var found: [String] = []
        if !agree(processed.loss, raw.loss) { found.append("loss: processed \(processed.loss), raw \(raw.loss)") }
        for (rank, (left, right)) in zip(processed.top, raw.top).enumerated()
        where !agree(Double(left.logprob), Double(right.logprob)) {
            found.append("next token \(rank + 1): log-probability processed \(left.logprob), raw \(right.logprob)")
        }
        return found
    }
}

extension ParityReport.Norm {
    /// Of an activation `[pos, …]`.
    ///
    /// - Throws: `INTERNAL` for values that do not fill the shape.
    init(_ activation: Activation) throws(LensError) {
        let values = activation.values
        guard let rows = activation.header.shape.first, rows > 0, values.count.isMultiple(of: rows), !values.isEmpty
        else {
            throw LensError(
                .internal, "the daemon answered \(values.count) values for shape \(activation.header.shape)")
        }
        let width = values.count / rows
        let norms = stride(from: 0, to: values.count, by: width).map { start in
            values[start..<start + width].reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
        }
        hook = activation.header.hook
        mean = norms.reduce(0, +) / Double(rows)
        last = norms.last ?? 0
    }
}
