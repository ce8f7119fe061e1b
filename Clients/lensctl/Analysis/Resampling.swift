import LensClient
import LensCore

/// Where resampled activations come from: for each prompt another one, cut to the prompt's own length.
///
/// A causal model's activations at the first positions do not depend on what follows, so the cut changes none of them.
enum Resampling {
    /// - Parameter source: one prompt for all; `nil` takes for each prompt the next of its group that is long enough.
    /// - Throws: `INVALID_ARGUMENT` where no other prompt is long enough.
    static func action(
        for prompts: [Prompt], source: Prompt?, model: ModelReference, on connection: LensConnection
    ) async throws -> InterventionSpec.Action {
        let own = try await ids(of: prompts, model: model, on: connection)
        let given = try await source.map { source in [source] }.asyncMap {
            try await ids(of: $0, model: model, on: connection)
        }
        var taken: [Prompt] = []
        for (index, tokens) in own.enumerated() {
            let candidates = given ?? Array(own[(index + 1)...] + own[..<index])
            guard let other = candidates.first(where: { $0.count >= tokens.count }) else {
                throw LensError.invalidArgument(
                    "no other prompt has the \(tokens.count) tokens that prompt \(index + 1) takes from it; "
                        + (source == nil ? "give one with --source" : "--source is shorter"))
            }
            taken.append(.tokens(Array(other.prefix(tokens.count))))
        }
        return .patch(.prompts(taken), prompt: nil, positions: nil)
    }

    private static func ids(
        of prompts: [Prompt], model: ModelReference, on connection: LensConnection
    ) async throws -> [[Int32]] {
        try await connection.tokenize(TokenizeRequest(model: model, prompts: prompts)).tokens.map { $0.map(\.id) }
    }
}

extension Optional {
    fileprivate func asyncMap<Result>(_ body: (Wrapped) async throws -> Result) async throws -> Result? {
        guard let self else { return nil }
        return try await body(self)
    }
}
