package import LensCore
package import LensReport

/// What the page can ask for: `POST /api/NAME`.
package enum PageCall: String, Sendable, CaseIterable {
    case hello, model, tokens, look, head, attribution, ablate, compare, neurons, lens, contributions, why, save

    /// Whether progress comes before the reply, a line each.
    package var isStreamed: Bool { self == .ablate || self == .compare }
}

/// Answers the page's calls.
package protocol PageCalls: Sendable {
    /// Learns how much is done of how much.
    typealias Progress = @Sendable (_ done: Int, _ total: Int) -> Void

    /// Answers a call, any but `save`.
    ///
    /// - Parameter body: JSON.
    /// - Throws: `INVALID_ARGUMENT` for a body that is not what the call takes, what the daemon says, `CANCELLED`.
    func reply(
        to call: PageCall, _ body: [UInt8], progress: @escaping Progress
    ) async throws(LensError) -> ScriptJSON

    /// Answers `save`: a page with the answers to calls, as HTML.
    func saved(_ body: [UInt8]) async throws(LensError) -> String
}
