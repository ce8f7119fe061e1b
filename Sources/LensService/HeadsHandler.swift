import LensCore
import LensEngine
import LensReport
import LensWire

/// Says what a model's heads do.
struct HeadsHandler: Sendable {
    /// Heads of one event: each may take some ten thousand bytes.
    private static let headsPerEvent = 32

    let engine: SharedEngine
    let version: DaemonVersion

    /// Sends progress while the engine works, then the atlas in parts.
    func atlas(
        _ request: HeadAtlasRequest, _ context: CallContext, _ send: @escaping SendEvent<HeadAtlasEvent>
    ) async throws {
        let engine = try await engine.engine(with: request.model, for: context.caller, control: context.control)
        let control = context.control
        let corpus = try await context.aside { () throws(LensError) in
            try engine.headAtlasCorpus(of: request, control: control)
        }
        var atlas = try await reportingProgress(context, send) { (progress) async throws(LensError) in
            try await engine.headAtlas(request, over: corpus, control: control) { phase, done, total in
                progress.yield(.progress(phase, done: done, total: total))
            }
        }
        let page = request.withPage ? try await page(of: atlas, request, corpus, engine, context) : ""
        let heads = atlas.heads
        atlas.heads = []
        try await send(.header(atlas))
        for start in stride(from: 0, to: heads.count, by: Self.headsPerEvent) {
            try await send(.heads(Array(heads[start..<min(start + Self.headsPerEvent, heads.count)])))
        }
        let bytes = Array(page.utf8)
        for start in stride(from: 0, to: bytes.count, by: ReportsHandler.chunkSize) {
            try await send(.page(Array(bytes[start..<min(start + ReportsHandler.chunkSize, bytes.count)])))
        }
    }

    private func page(
        of atlas: HeadAtlas, _ request: HeadAtlasRequest, _ corpus: Recipe, _ engine: Engine,
        _ context: CallContext
    ) async throws(LensError) -> String {
        let (tokens, patterns) = try await engine.headAtlasExample(
            of: corpus, length: HeadAtlasPage.longestExample, control: context.control)
        var heads: [HeadPattern] = []
        for (layer, values) in patterns.enumerated() {
            heads += try HeadPattern.heads(layer: layer, positions: tokens.count, values: values)
        }
        return try HeadAtlasPage(
            atlas, title: request.title, example: tokens, patterns: heads, daemon: version
        ).html()
    }
}
