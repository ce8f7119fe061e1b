internal import CLensMessages
internal import LensCore

// sessions.proto and reports.proto.

/// A request about one session of the caller's.
public struct SessionRequest: Sendable, Hashable {
    /// The session's name; empty on the wire means `default`.
    public var name: String

    public init(name: String) {
        self.name = name
    }
}

extension Coding where Value == SessionRequest {
    static var showSessionRequest: Self {
        Self(CShowSessionRequest.self) { (message) throws(LensError) in
            SessionRequest(name: try sessionName(message.name))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
        }
    }

    static var deleteSessionRequest: Self {
        Self(CDeleteSessionRequest.self) { (message) throws(LensError) in
            // Deleting is never a default.
            let name = try message.name.text("name")
            guard !name.isEmpty else { throw .invalidArgument("name of the session to delete is missing") }
            return SessionRequest(name: name)
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
        }
    }
}

extension Coding where Value == [SessionSummary] {
    static var listSessionsReply: Self {
        Self(CListSessionsReply.self) { (message) throws(LensError) in
            try messages(message.n_sessions, message.sessions) { (session: CSessionSummary) throws(LensError) in
                try SessionSummary(session)
            }
        } write: { (value, message, arena) throws(LensError) in
            (message.n_sessions, message.sessions) = try arena.messages(value) { (session, item) throws(LensError) in
                try session.write(to: &item, arena)
            }
        }
    }
}

extension Coding where Value == SessionDetail {
    static var showSessionReply: Self {
        Self(CShowSessionReply.self) { (message) throws(LensError) in
            SessionDetail(
                session: try required(message.session, "session") { (session) throws(LensError) in
                    try SessionSummary(session)
                },
                runs: try messages(message.n_runs, message.runs) { (run: CRunSummary) throws(LensError) in
                    try RunSummary(run)
                })
        } write: { (value, message, arena) throws(LensError) in
            message.session = try arena.message { (item: inout CSessionSummary) throws(LensError) in
                try value.session.write(to: &item, arena)
            }
            (message.n_runs, message.runs) = try arena.messages(value.runs) { (run, item) throws(LensError) in
                try run.write(to: &item, arena)
            }
        }
    }
}

extension Coding where Value == Int {
    /// How many runs were deleted with the session.
    static var deleteSessionReply: Self {
        Self(CDeleteSessionReply.self) { (message) throws(LensError) in
            try message.run_count.count("run_count")
        } write: { (value, message, arena) throws(LensError) in
            message.run_count = try arena.uint64(value, "run_count")
        }
    }
}

extension SessionSummary {
    fileprivate init(_ message: CSessionSummary) throws(LensError) {
        self.init(
            id: try message.id.text("id"), name: try message.name.text("name"), createdAt: message.created_at,
            updatedAt: message.updated_at, runCount: try message.run_count.count("run_count"))
    }

    fileprivate func write(to message: inout CSessionSummary, _ arena: MessageArena) throws(LensError) {
        message.id = arena.bytes(id)
        message.name = arena.bytes(name)
        message.created_at = createdAt
        message.updated_at = updatedAt
        message.run_count = try arena.uint64(runCount, "run_count")
    }
}

extension RunSummary {
    fileprivate init(_ message: CRunSummary) throws(LensError) {
        let name = try message.kind.text("kind")
        guard let kind = Kind(rawValue: name) else {
            throw .invalidArgument("kind must be 'run', 'sweep' or 'generation'; received '\(name)'")
        }
        var edits: [String] = []
        for edit in array(message.n_edits, message.edits) { edits.append(try edit.text("edits")) }
        self.init(
            id: try message.id.text("id"), kind: kind, session: try message.session.text("session"),
            createdAt: message.created_at, model: try message.model.text("model"),
            fingerprint: try message.fingerprint.text("fingerprint"), promptCount: Int(message.prompt_count),
            tokenCount: try message.token_count.count("token_count"), excerpt: try message.excerpt.text("excerpt"),
            loss: message.loss, isHooked: message.hooked != 0, edits: edits,
            detail: try message.detail.text("detail"))
    }

    fileprivate func write(to message: inout CRunSummary, _ arena: MessageArena) throws(LensError) {
        message.id = arena.bytes(id)
        message.kind = arena.bytes(kind.rawValue)
        message.session = arena.bytes(session)
        message.created_at = createdAt
        message.model = arena.bytes(model)
        message.fingerprint = arena.bytes(fingerprint)
        message.prompt_count = try arena.uint32(promptCount, "prompt_count")
        message.token_count = try arena.uint64(tokenCount, "token_count")
        message.excerpt = arena.bytes(excerpt)
        message.loss = loss
        message.hooked = isHooked ? 1 : 0
        (message.n_edits, message.edits) = arena.array(edits.map { arena.bytes($0) })
        message.detail = arena.bytes(detail)
    }
}

extension Coding where Value == AttentionPageRequest {
    static var attentionPageRequest: Self {
        Self(CAttentionPageRequest.self) { (message) throws(LensError) in
            AttentionPageRequest(
                model: try ModelReference(message.model),
                prompt: try required(message.prompt, "prompt") { (prompt) throws(LensError) in try Prompt(prompt) },
                withAblation: message.with_ablation != 0,
                action: try AblationKind(message.action, "action", missing: .zero),
                title: try message.title.text("title"))
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.prompt = try arena.message { (item: inout CPrompt) throws(LensError) in
                try value.prompt.write(to: &item, arena)
            }
            message.with_ablation = value.withAblation ? 1 : 0
            message.action = value.action.wire
            message.title = arena.bytes(value.title)
        }
    }
}

extension Coding where Value == [UInt8] {
    /// A piece of a page.
    static var pageChunk: Self {
        Self(CPageChunk.self) { (message) in
            message.html.array
        } write: { (value, message, arena) in
            message.html = arena.bytes(value)
        }
    }
}
