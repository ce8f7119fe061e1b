public import LensCore
internal import LensWire

// Sessions: the caller's own by name, others' that he may read as OWNER/NAME. NOT_FOUND for anything else.

extension LensConnection {
    /// The caller's own sessions, last used first, then those that are shared with him.
    public func listSessions(
        _ request: ListSessionsRequest = ListSessionsRequest(), options: CallOptions = CallOptions()
    ) async throws(LensError) -> SessionPage {
        try await call(.listSessions, request, options: options)
    }

    public func showSession(
        _ request: ShowSessionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> SessionDetail {
        try await call(.showSession, request, options: options)
    }

    /// Makes an empty session; `ALREADY_EXISTS` where there is one.
    public func createSession(
        _ request: CreateSessionRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> SessionSummary {
        try await call(.createSession, request, options: options)
    }

    public func renameSession(
        _ name: String, to newName: String, options: CallOptions = CallOptions()
    ) async throws(LensError) {
        _ = try await call(.renameSession, RenameSessionRequest(name: name, newName: newName), options: options)
    }

    /// Deletes a session of the caller's; returns how many runs went with it.
    public func deleteSession(_ name: String, options: CallOptions = CallOptions()) async throws(LensError) -> Int {
        try await call(.deleteSession, SessionRequest(name: name), options: options)
    }

    /// Lets a user, by name or uid, read a session of the caller's; returns everybody who may.
    public func shareSession(
        _ name: String, with user: String, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [SessionGrant] {
        try await call(.shareSession, ShareSessionRequest(name: name, user: user), options: options)
    }

    /// Takes that back; returns everybody who still may.
    public func unshareSession(
        _ name: String, with user: String, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [SessionGrant] {
        try await call(.unshareSession, ShareSessionRequest(name: name, user: user), options: options)
    }

    /// Everybody who may read a session of the caller's.
    public func listGrants(
        of name: String, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [SessionGrant] {
        try await call(.listGrants, SessionRequest(name: name), options: options)
    }

    /// Writes the note of a session or a run of the caller's; returns its id.
    public func setNote(
        _ request: SetNoteRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> String {
        try await call(.setNote, request, options: options)
    }

    /// Looks through names, notes and excerpts.
    public func searchSessions(
        _ request: SearchSessionsRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> SessionFindings {
        try await call(.searchSessions, request, options: options)
    }

    // MARK: - Files, replays, reports

    /// A session's runs as its file holds them: the session, then each run's JSON in parts.
    public func exportSession(
        _ request: ExportSessionRequest, options: CallOptions = CallOptions()
    ) throws(LensError) -> EventStream<ExportEvent> {
        try call(.exportSession, request, options: options)
    }

    /// Makes a session of runs from a file.
    ///
    /// - Parameters:
    ///   - onProgress: learns how many runs are in.
    ///   - run: a run's JSON by its number from 0; `nil` behind the last. A new try begins with the first again.
    public func importSession(
        _ request: CreateSessionRequest, options: CallOptions = CallOptions(), onProgress: (Int) -> Void = { _ in },
        run: (_ number: Int) throws(LensError) -> [UInt8]?
    ) async throws(LensError) -> SessionSummary {
        try await whole(.importSession, .start(request), options: options) { (exchange) async throws(LensError) in
            var number = 0
            while let json = try run(number) {
                number += 1
                for part in SessionFilePart.parts(of: json) {
                    try exchange.send(.part(part))
                    guard case .taken(let runs)? = try await exchange.next() else {
                        throw LensError(.internal, "the daemon did not answer a part of a run")
                    }
                    onProgress(runs)
                }
            }
            exchange.end()
            guard case .session(let session)? = try await exchange.next() else {
                throw LensError(.internal, "the daemon ended the import without a session")
            }
            guard try await exchange.next() == nil else {
                throw LensError(.internal, "the daemon went on behind the imported session")
            }
            return session
        }
    }

    /// Runs a session's runs again: progress, and what became of each.
    public func replaySession(
        _ request: ReplaySessionRequest, options: CallOptions = CallOptions()
    ) throws(LensError) -> EventStream<ReplayEvent> {
        try call(.replaySession, request, options: options)
    }

    /// What stands in a session, for people; UTF-8.
    public func sessionReport(
        _ request: SessionReportRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [UInt8] {
        try await whole(.sessionReport, request, options: options) { (chunks) async throws(LensError) in
            var report: [UInt8] = []
            for try await chunk in chunks { report += chunk }
            return report
        }
    }
}
