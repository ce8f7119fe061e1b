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

    func attribute(_ request: AttributionRequest, _ context: CallContext) async throws(LensError) -> AttributionReply {
        let (_, engine, recipe) = try await inference.subject(of: request.source, context)
        return try await engine.attribute(request, recipe: recipe, control: context.control)
    }

    func reduce(_ request: ReductionRequest, _ context: CallContext) async throws(LensError) -> ReductionReply {
        let (_, engine, recipe) = try await inference.subject(of: request.source, context)
        return try await engine.reduce(request, recipe: recipe, control: context.control)
    }

    func detectHeads(
        _ request: HeadDetectionRequest, _ context: CallContext
    ) async throws(LensError) -> HeadDetectionReply {
        let (_, engine, recipe) = try await inference.subject(of: request.source, context)
        return try await engine.detectHeads(request, recipe: recipe, control: context.control)
    }

    func scoreInduction(_ request: InductionRequest, _ context: CallContext) async throws(LensError) -> InductionReply {
        let engine = try await inference.engine.engine(
            with: request.model, for: context.caller, control: context.control)
        let runs = try await inference.runs(of: request.interventions, on: engine, context)
        return try await engine.scoreInduction(request, runs: runs, control: context.control)
    }
}
