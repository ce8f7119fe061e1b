/// A request about one session, by its name or address.
public struct SessionRequest: Sendable, Hashable {
    public var name: String

    public init(name: String) {
        self.name = name
    }
}

/// Asks for some of the sessions that the caller may read.
public struct ListSessionsRequest: Sendable, Hashable {
    /// How many to leave out from the front.
    public var skip: Int
    /// How many to answer at most; 0 means the most there can be, 1000.
    public var limit: Int

    public init(skip: Int = 0, limit: Int = 0) {
        self.skip = skip
        self.limit = limit
    }
}

/// Asks for a session and some of its runs, newest first.
public struct ShowSessionRequest: Sendable, Hashable {
    public var name: String
    /// The id of a run of the session, of which only older ones are answered; empty begins with the newest.
    public var before: String
    /// How many runs to answer at most; 0 means the most there can be, 1000.
    public var limit: Int

    public init(name: String, before: String = "", limit: Int = 0) {
        self.name = name
        self.before = before
        self.limit = limit
    }
}

public struct CreateSessionRequest: Sendable, Hashable {
    public var name: String
    public var note: String

    public init(name: String, note: String = "") {
        self.name = name
        self.note = note
    }
}

public struct RenameSessionRequest: Sendable, Hashable {
    public var name: String
    public var newName: String

    public init(name: String, newName: String) {
        self.name = name
        self.newName = newName
    }
}

/// Lets a user read a session, or no longer.
public struct ShareSessionRequest: Sendable, Hashable {
    public var name: String
    /// A user's name or uid, as the daemon's machine knows it.
    public var user: String

    public init(name: String, user: String) {
        self.name = name
        self.user = user
    }
}

/// Writes a note; an empty one takes it away.
public struct SetNoteRequest: Sendable, Hashable {
    public enum Subject: Sendable, Hashable {
        case session(String)
        /// An id, a unique prefix of one, `last`, or `SESSION:RUN`.
        case run(String)
    }

    public var subject: Subject
    public var text: String

    public init(_ subject: Subject, text: String) {
        self.subject = subject
        self.text = text
    }
}

/// Asks for sessions and runs whose name, note or excerpt contains a text; ASCII letters count in either case.
public struct SearchSessionsRequest: Sendable, Hashable {
    public var text: String
    /// The id of a run that was found, of which only older ones are answered; empty begins with the newest.
    public var before: String
    /// How many runs to answer at most, up to 1000; 0 means 100.
    public var limit: Int

    public init(text: String, before: String = "", limit: Int = 0) {
        self.text = text
        self.before = before
        self.limit = limit
    }
}
