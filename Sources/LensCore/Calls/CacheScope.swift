/// With whom an answer that was computed for one user is shared.
public enum CacheScope: String, Sendable, Hashable, CaseIterable {
    /// The same question is computed once, whoever asks; how long an answer takes may tell that somebody asked before.
    case everyone
    /// Each user's questions are computed for that user alone.
    case perUser = "per-user"
}
