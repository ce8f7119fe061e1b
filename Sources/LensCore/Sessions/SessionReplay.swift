/// Asks to run a session's runs again.
public struct ReplaySessionRequest: Sendable, Hashable {
    public var name: String
    /// Ids or prefixes of ids within the session; none means all.
    public var runs: [String]
    /// A session of the caller's in which the new runs are recorded; empty records nothing.
    public var into: String

    public init(name: String, runs: [String] = [], into: String = "") {
        self.name = name
        self.runs = runs
        self.into = into
    }
}

public enum ReplayEvent: Sendable, Hashable {
    case progress(done: Int, total: Int)
    case run(ReplayedRun)
}

/// What became of a run that was run again.
public struct ReplayedRun: Sendable, Hashable {
    public enum Outcome: String, Sendable {
        /// Every number within 1e-5 + 1e-5·|x| of the recorded one, x.
        case same
        case differs
        /// It cannot be computed again: a hook function took part.
        case skipped
        case failed
    }

    public var id: String
    public var kind: RunSummary.Kind
    public var excerpt: String
    public var outcome: Outcome
    /// The largest |Δ| of a loss, in nats; NaN where there is none to compare.
    public var lossDifference: Double
    /// The largest |Δ| of any number; NaN where there is none to compare.
    public var largestDifference: Double
    /// What else is to be said, such as that the model's weights are others.
    public var remark: String
    /// Of the model that it was computed with now; empty where it was not.
    public var fingerprint: String
    /// The id of the new run; empty where none was recorded.
    public var recordedAs: String

    public init(
        id: String, kind: RunSummary.Kind, excerpt: String, outcome: Outcome, lossDifference: Double = .nan,
        largestDifference: Double = .nan, remark: String = "", fingerprint: String = "", recordedAs: String = ""
    ) {
        self.id = id
        self.kind = kind
        self.excerpt = excerpt
        self.outcome = outcome
        self.lossDifference = lossDifference
        self.largestDifference = largestDifference
        self.remark = remark
        self.fingerprint = fingerprint
        self.recordedAs = recordedAs
    }
}

/// Asks for a session's report.
public struct SessionReportRequest: Sendable, Hashable {
    public var session: String
    /// Markdown rather than a page of HTML.
    public var isMarkdown: Bool

    public init(session: String, isMarkdown: Bool) {
        self.session = session
        self.isMarkdown = isMarkdown
    }
}
