import LensCore
import LensEngine
import LensReport
import LensStore
import LensWire

/// Renders pages for clients that do not link the report library.
struct ReportsHandler: Sendable {
    /// Half of what a reply frame may carry.
    static let chunkSize = 2 << 20

    let engine: SharedEngine
    let store: SessionStore
    let version: DaemonVersion

    func attentionPage(
        _ request: AttentionPageRequest, _ context: CallContext, _ send: @escaping SendEvent<[UInt8]>
    ) async throws {
        let page = try await page(request, context)
        try await self.send(try await context.aside { () throws(LensError) in page.html() }, send)
    }

    /// The newest runs of a session, as many as an answer to Show has.
    func sessionReport(
        _ request: SessionReportRequest, _ context: CallContext, _ send: @escaping SendEvent<[UInt8]>
    ) async throws {
        let sessions = SessionsHandler(store: store)
        let detail = try await sessions.show(ShowSessionRequest(name: request.session), context)
        let report = try await context.aside { () throws(LensError) in
            let report = SessionReport(detail)
            return request.isMarkdown ? report.markdown() : report.html()
        }
        try await self.send(report, send)
    }

    private func send(_ text: String, _ send: SendEvent<[UInt8]>) async throws {
        let bytes = Array(text.utf8)
        for start in stride(from: 0, to: bytes.count, by: Self.chunkSize) {
            try await send(Array(bytes[start..<min(start + Self.chunkSize, bytes.count)]))
        }
    }

    private func page(_ request: AttentionPageRequest, _ context: CallContext) async throws(LensError) -> AttentionPage
    {
        let control = context.control
        let engine = try await engine.engine(with: request.model, for: context.caller, control: control)
        let prompts = [request.prompt]
        let recipe = try await context.aside { () throws(LensError) in
            try engine.prepare(model: request.model, prompts: prompts, interventions: [], control: control)
        }
        let run = try await engine.run(
            RunRequest(
                model: request.model, prompts: prompts, topCount: 5, wantsPerTokenLoss: true, isRecorded: false),
            recipe: recipe, control: control)
        let patterns = try await engine.attentionPatterns(recipe: recipe, control: control)
        let scores = try await engine.scoreHeads(of: recipe, control: control)
        var ablation: AttentionPage.Ablation?
        if request.withAblation {
            let sweep = SweepRequest(
                model: request.model, prompts: prompts, action: request.action, isRecorded: false)
            ablation = AttentionPage.Ablation(
                try await engine.sweep(sweep, recipe: recipe, control: control) { _, _ in })
        }
        guard let result = run.prompts.first else { throw LensError(.internal, "a run of one prompt has no result") }
        var heads: [HeadPattern] = []
        for (layer, values) in patterns.enumerated() {
            heads += try HeadPattern.heads(layer: layer, positions: result.tokens.count, values: values)
        }
        let model = try engine.models.model(for: request.model).description(isDefault: false)
        return try AttentionPage(
            title: request.title, model: run.model, form: run.form,
            processingSteps: model.configuration.processingSteps, fingerprint: run.fingerprint, result: result,
            patterns: heads, ablation: ablation, scores: scores.heads, daemon: version)
    }
}
