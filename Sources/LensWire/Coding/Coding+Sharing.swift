internal import CLensMessages
internal import CProtobufC
internal import LensCore

// sessions.proto: grants and notes.

extension Coding where Value == ShareSessionRequest {
    static var shareSessionRequest: Self {
        Self(CShareSessionRequest.self) { (message) throws(LensError) in
            ShareSessionRequest(
                name: try statedName(message.name, "name of the session to share"),
                user: try statedName(message.user, "user"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            message.user = arena.bytes(value.user)
        }
    }
}

extension Coding where Value == SessionRequest {
    static var listGrantsRequest: Self {
        Self(CListGrantsRequest.self) { (message) throws(LensError) in
            SessionRequest(name: try sessionName(message.name))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
        }
    }
}

extension Coding where Value == [SessionGrant] {
    static var grantsReply: Self {
        Self(CGrantsReply.self) { (message) throws(LensError) in
            try messages(message.n_grants, message.grants) { (grant: CSessionGrant) throws(LensError) in
                SessionGrant(
                    userID: grant.user_id, userName: try grant.user.text("user"), createdAt: grant.created_at)
            }
        } write: { (value, message, arena) throws(LensError) in
            (message.n_grants, message.grants) = try arena.messages(value, as: CSessionGrant.self) { grant, item in
                item.user_id = grant.userID
                item.user = arena.bytes(grant.userName)
                item.created_at = grant.createdAt
            }
        }
    }
}

extension Coding where Value == SetNoteRequest {
    static var setNoteRequest: Self {
        Self(CSetNoteRequest.self) { (message) throws(LensError) in
            let text = try message.text.text("text")
            switch message.subject_case {
            case LENS__V1__SET_NOTE_REQUEST__SUBJECT_SESSION:
                return SetNoteRequest(.session(try sessionName(message.session)), text: text)
            case LENS__V1__SET_NOTE_REQUEST__SUBJECT_RUN:
                return SetNoteRequest(.run(try message.run.text("run")), text: text)
            default:
                throw .invalidArgument("a note is of a session or a run; received neither")
            }
        } write: { (value, message, arena) in
            switch value.subject {
            case .session(let name):
                message.subject_case = LENS__V1__SET_NOTE_REQUEST__SUBJECT_SESSION
                message.session = arena.bytes(name)
            case .run(let run):
                message.subject_case = LENS__V1__SET_NOTE_REQUEST__SUBJECT_RUN
                message.run = arena.bytes(run)
            }
            message.text = arena.bytes(value.text)
        }
    }
}

extension Coding where Value == String {
    /// The id of what the note was written on.
    static var setNoteReply: Self {
        Self(CSetNoteReply.self) { (message) throws(LensError) in
            try message.id.text("id")
        } write: { (value, message, arena) in
            message.id = arena.bytes(value)
        }
    }
}

/// A name that has no default: nothing is made, changed or shared by leaving it out.
func statedName(_ bytes: ProtobufCBinaryData, _ field: String) throws(LensError) -> String {
    let name = try bytes.text(field)
    guard !name.isEmpty else { throw .invalidArgument("\(field) is missing") }
    return name
}

/// How many of a list are asked for; 0 is the list's own default.
func pageLimit(_ limit: UInt32) throws(LensError) -> Int {
    guard limit <= 1000 else { throw .outOfRange("limit", limit, 0..<1001) }
    return Int(limit)
}
