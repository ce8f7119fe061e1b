import ArgumentParser
import LensClient
import LensCore

/// What is read off the end of each edited pass.
struct MetricOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "loss, logit, logit_diff, prob or kl. Default: logit_diff with --answer and --wrong, logit with --answer "
                + "alone, else loss.", valueName: "name"))
    var metric: Metric.Kind?

    @Option(help: ArgumentHelp("The token that a logit, a difference or a probability is about.", valueName: "text"))
    var answer: String?

    @Option(help: ArgumentHelp("The token whose logit is taken off in a difference.", valueName: "text"))
    var wrong: String?

    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The position that is read, from the end where negative. Default: the last; of kl the mean over all.",
            valueName: "position"))
    var at: Int?

    var kind: Metric.Kind { metric ?? (answer == nil ? .loss : wrong == nil ? .logit : .logitDifference) }

    /// - Throws: a usage error for tokens that the metric lacks or does not take.
    func check() throws {
        let needsAnswer = [.logit, .logitDifference, .probability].contains(kind)
        guard (answer != nil) == needsAnswer else {
            throw ValidationError("--metric \(kind.rawValue) takes \(needsAnswer ? "an --answer" : "no --answer")")
        }
        guard (wrong != nil) == (kind == .logitDifference) else {
            throw ValidationError(
                "--metric \(kind.rawValue) takes \(kind == .logitDifference ? "a --wrong" : "no --wrong")")
        }
        guard at == nil || kind != .loss else {
            throw ValidationError("the loss is read at all positions; leave --at out")
        }
        guard kind != .tokenLoss else {
            throw ValidationError("a table has no room for the loss of every token; Python's model.sweep gives it")
        }
    }

    /// The metric with its tokens.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a text that is not one token.
    func resolved(for model: ModelReference, on connection: LensConnection) async throws -> Metric {
        var metric = Metric(kind, positions: at.map { [$0] } ?? [])
        if let answer { metric.tokens = [try await connection.singleToken(answer, model: model)] }
        if let wrong { metric.wrongTokens = [try await connection.singleToken(wrong, model: model)] }
        return metric
    }
}

extension Metric.Kind: ExpressibleByArgument {}
