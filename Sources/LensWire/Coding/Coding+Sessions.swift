internal import CLensMessages
internal import LensCore

// sessions.proto: reading, making, renaming, deleting and searching; see Coding+Sharing for the rest.

extension Coding where Value == ListSessionsRequest {
    static var listSessionsRequest: Self {
        Self(CListSessionsRequest.self) { (message) throws(LensError) in
            ListSessionsRequest(skip: try message.skip.count("skip"), limit: try pageLimit(message.limit))
        } write: { (value, message, arena) throws(LensError) in
            message.skip = try arena.uint64(value.skip, "skip")
            message.limit = try arena.uint32(value.limit, "limit")
        }
    }
}

extension Coding where Value == SessionPage {
    static var listSessionsReply: Self {
        Self(CListSessionsReply.self) { (message) throws(LensError) in
            SessionPage(
                sessions: try SessionSummary.read(message.n_sessions, message.sessions),
                total: try message.total.count("total"))
        } write: { (value, message, arena) throws(LensError) in
            (message.n_sessions, message.sessions) = try SessionSummary.write(value.sessions, arena)
            message.total = try arena.uint64(value.total, "total")
        }
    }
}

extension Coding where Value == ShowSessionRequest {
    static var showSessionRequest: Self {
        Self(CShowSessionRequest.self) { (message) throws(LensError) in
            ShowSessionRequest(
                name: try sessionName(message.name), before: try message.before.text("before"),
                limit: try pageLimit(message.limit))
        } write: { (value, message, arena) throws(LensError) in
            message.name = arena.bytes(value.name)
            message.before = arena.bytes(value.before)
            message.limit = try arena.uint32(value.limit, "limit")
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
                runs: try RunSummary.read(message.n_runs, message.runs), hasMore: message.more != 0)
        } write: { (value, message, arena) throws(LensError) in
            message.session = try arena.message { (item: inout CSessionSummary) throws(LensError) in
                try value.session.write(to: &item, arena)
            }
            (message.n_runs, message.runs) = try RunSummary.write(value.runs, arena)
            message.more = value.hasMore ? 1 : 0
        }
    }
}

extension Coding where Value == CreateSessionRequest {
    static var createSessionRequest: Self {
        Self(CCreateSessionRequest.self) { (message) throws(LensError) in
            CreateSessionRequest(
                name: try statedName(message.name, "name of the session to make"), note: try message.note.text("note"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            message.note = arena.bytes(value.note)
        }
    }
}

extension Coding where Value == SessionSummary {
    static var createSessionReply: Self {
        Self(CCreateSessionReply.self) { (message) throws(LensError) in
            try required(message.session, "session") { (session) throws(LensError) in try SessionSummary(session) }
        } write: { (value, message, arena) throws(LensError) in
            message.session = try arena.message { (item: inout CSessionSummary) throws(LensError) in
                try value.write(to: &item, arena)
            }
        }
    }
}

extension Coding where Value == RenameSessionRequest {
    static var renameSessionRequest: Self {
        Self(CRenameSessionRequest.self) { (message) throws(LensError) in
            RenameSessionRequest(
                name: try statedName(message.name, "name of the session to rename"),
                newName: try statedName(message.new_name, "new_name"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            message.new_name = arena.bytes(value.newName)
        }
    }
}

extension Coding where Value == EmptyRequest {
    static var renameSessionReply: Self {
        Self(CRenameSessionReply.self) { _ in
            EmptyRequest()
        } write: { _, _, _ in
        }
    }
}

extension Coding where Value == SessionRequest {
    static var deleteSessionRequest: Self {
        Self(CDeleteSessionRequest.self) { (message) throws(LensError) in
            SessionRequest(name: try statedName(message.name, "name of the session to delete"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
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

extension Coding where Value == SearchSessionsRequest {
    static var searchSessionsRequest: Self {
        Self(CSearchSessionsRequest.self) { (message) throws(LensError) in
            SearchSessionsRequest(
                text: try message.text.text("text"), before: try message.before.text("before"),
                limit: try pageLimit(message.limit))
        } write: { (value, message, arena) throws(LensError) in
            message.text = arena.bytes(value.text)
            message.before = arena.bytes(value.before)
            message.limit = try arena.uint32(value.limit, "limit")
        }
    }
}

extension Coding where Value == SessionFindings {
    static var searchSessionsReply: Self {
        Self(CSearchSessionsReply.self) { (message) throws(LensError) in
            SessionFindings(
                sessions: try SessionSummary.read(message.n_sessions, message.sessions),
                runs: try RunSummary.read(message.n_runs, message.runs), hasMore: message.more != 0)
        } write: { (value, message, arena) throws(LensError) in
            (message.n_sessions, message.sessions) = try SessionSummary.write(value.sessions, arena)
            (message.n_runs, message.runs) = try RunSummary.write(value.runs, arena)
            message.more = value.hasMore ? 1 : 0
        }
    }
}
