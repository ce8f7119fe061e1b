import LensCore
import LensEngine
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
        var atlas = try await reportingProgress(context, send) { (progress) async throws(LensError) in
            try await engine.headAtlas(request, control: context.control) { phase, done, total in
                progress.yield(.progress(phase, done: done, total: total))
            }
        }
        let heads = atlas.heads
        atlas.heads = []
        try await send(.header(atlas))
        for start in stride(from: 0, to: heads.count, by: Self.headsPerEvent) {
            try await send(.heads(Array(heads[start..<min(start + Self.headsPerEvent, heads.count)])))
        }
    }
}
