/// A named workspace of one user.
public struct SessionSummary: Sendable, Hashable {
    /// 32 hexadecimal digits.
    public var id: String
    public var name: String
    /// The uid that it belongs to.
    public var owner: UInt32
    /// The name of the owner's account; empty where there is none.
    public var ownerName: String
    /// What the caller names it by: its name, or `OWNER/NAME` where it is another user's.
    public var address: String
    /// Seconds since 1970, as the daemon's clock had it.
    public var createdAt: Double
    public var updatedAt: Double
    public var runCount: Int
    /// In lists its beginning.
    public var note: String
    /// It is another user's, who shares it.
    public var isReadOnly: Bool
    /// How many users it is shared with; 0 for whom it is shared with.
    public var grantCount: Int

    public init(
        id: String, name: String, owner: UInt32 = 0, ownerName: String = "", address: String? = nil,
        createdAt: Double, updatedAt: Double, runCount: Int, note: String = "", isReadOnly: Bool = false,
        grantCount: Int = 0
    ) {
        self.id = id
        self.name = name
        self.owner = owner
        self.ownerName = ownerName
        self.address = address ?? name
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.runCount = runCount
        self.note = note
        self.isReadOnly = isReadOnly
        self.grantCount = grantCount
    }
}

/// Some of the sessions that a caller may read.
public struct SessionPage: Sendable, Hashable {
    /// The caller's own first, last used first.
    public var sessions: [SessionSummary]
    /// How many there are in all.
    public var total: Int

    public init(sessions: [SessionSummary], total: Int) {
        self.sessions = sessions
        self.total = total
    }
}

/// A session with some of its runs.
public struct SessionDetail: Sendable, Hashable {
    public var session: SessionSummary
    /// Newest first.
    public var runs: [RunSummary]
    /// Older runs follow.
    public var hasMore: Bool

    public init(session: SessionSummary, runs: [RunSummary], hasMore: Bool = false) {
        self.session = session
        self.runs = runs
        self.hasMore = hasMore
    }
}

/// What a search found.
public struct SessionFindings: Sendable, Hashable {
    /// By name or note.
    public var sessions: [SessionSummary]
    /// By note or excerpt, newest first.
    public var runs: [RunSummary]
    /// Older runs follow.
    public var hasMore: Bool

    public init(sessions: [SessionSummary], runs: [RunSummary], hasMore: Bool) {
        self.sessions = sessions
        self.runs = runs
        self.hasMore = hasMore
    }
}

/// Somebody may read a session.
public struct SessionGrant: Sendable, Hashable {
    public var userID: UInt32
    /// The name of the account; empty where there is none.
    public var userName: String
    /// Seconds since 1970.
    public var createdAt: Double

    public init(userID: UInt32, userName: String, createdAt: Double) {
        self.userID = userID
        self.userName = userName
        self.createdAt = createdAt
    }

    /// The account's name, or the uid where there is none.
    public var user: String { userName.isEmpty ? String(userID) : userName }
}
