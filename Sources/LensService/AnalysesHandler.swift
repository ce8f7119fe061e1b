import LensCore
import LensEngine
import LensWire

/// Answers analyses of passes, of recorded runs and of prompts; nothing is recorded.
struct AnalysesHandler: Sendable {
    /// Finds the pass that a request is about.
    let inference: InferenceHandler

    func splitScore(_ request: ScoreSplitRequest, _ context: CallContext) async throws(LensError) -> ScoreSplitReply {
        let (_, engine, recipe) = try await inference.subject(of: request.source, context)
        return try await engine.splitScore(request, recipe: recipe, control: context.control)
    }

    func logitLens(_ request: LogitLensRequest, _ context: CallContext) async throws(LensError) -> LogitLensReply {
        let (_, engine, recipe) = try await inference.subject(of: request.source, context)
        return try await engine.logitLens(request, recipe: recipe, control: context.control)
    }
}
