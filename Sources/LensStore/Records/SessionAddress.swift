import LensCore

/// How a caller names a session: his own by its name, one that another user shares with him as `OWNER/NAME`.
///
/// A session of the caller's own with exactly that name comes first: names that have a `/` in them are older than
/// sharing. New ones cannot have any.
public struct SessionAddress: Hashable, Sendable {
    /// As it was written.
    public let text: String
    /// What it means where the caller has no session of that name.
    public let foreign: Foreign?

    public struct Foreign: Hashable, Sendable {
        public let owner: UInt32
        public let name: SessionName
    }

    private static let longest = 160

    /// - Parameter userID: finds the uid of an account by its name; asked for `OWNER/NAME` only.
    /// - Throws: `INVALID_ARGUMENT` for what no session can be called. An owner that does not exist is no error: what
    ///   he would have is as absent as anything else.
    public init(parsing text: String, userID: (String) async -> UInt32?) async throws(LensError) {
        guard let slash = text.firstIndex(of: "/"), text.unicodeScalars.count <= Self.longest else {
            self.init(try SessionName(checking: text))
            return
        }
        let owner = String(text[..<slash])
        let name = String(text[text.index(after: slash)...])
        guard owner.unicodeScalars.allSatisfy(\.isPrintable), let name = try? SessionName(checking: name) else {
            self.init(try SessionName(checking: text))
            return
        }
        let foreign = await UserReference.userID(owner, named: userID).map { Foreign(owner: $0, name: name) }
        self.init(text: text, foreign: foreign)
    }

    /// A session by its name alone.
    public init(_ name: SessionName) {
        self.init(text: name.text, foreign: nil)
    }

    private init(text: String, foreign: Foreign?) {
        self.text = text
        self.foreign = foreign
    }

    var notFound: LensError { .notFound("no session '\(text)' among your sessions") }
}

/// How a user is named: by the account's name or by uid.
public enum UserReference {
    /// `nil` where there is no such account; a number needs none.
    public static func userID(_ text: String, named userID: (String) async -> UInt32?) async -> UInt32? {
        guard !text.isEmpty else { return nil }
        if text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) { return UInt32(text) }
        return await userID(text)
    }
}
