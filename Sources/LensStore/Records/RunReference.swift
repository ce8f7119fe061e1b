import LensCore

/// How a user names a run among others: an id, a prefix of one, or `last`.
enum RunReference: Hashable, Sendable {
    case last
    /// Every id from `lowest` to `highest` begins with the digits that were given.
    case prefix(lowest: RunIdentifier, highest: RunIdentifier)

    static let shortestPrefix = 4

    init(parsing text: String) throws(LensError) {
        if text == "last" {
            self = .last
            return
        }
        let nibbles = text.utf8.prefix(33).compactMap(Self.nibble)
        guard nibbles.count == text.utf8.count, (Self.shortestPrefix...32).contains(nibbles.count) else {
            throw .invalidArgument(
                "a run is named by its id, by \(Self.shortestPrefix) to 32 of the id's first hexadecimal digits, "
                    + "or by 'last'; received \(text.quotedForMessage)")
        }
        self = .prefix(lowest: Self.padded(nibbles, with: 0), highest: Self.padded(nibbles, with: 15))
    }

    private static func nibble(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }

    private static func padded(_ nibbles: [UInt8], with filler: UInt8) -> RunIdentifier {
        let whole = nibbles + [UInt8](repeating: filler, count: 32 - nibbles.count)
        return RunIdentifier(bytes: stride(from: 0, to: 32, by: 2).map { whole[$0] << 4 | whole[$0 + 1] })
    }
}

/// How a caller names a run: a ``RunReference`` among his own runs, or `SESSION:RUN` in a session that he may read.
///
/// An id or prefix that is none of the caller's own is looked for in the sessions that are shared with him.
public struct RunAddress: Hashable, Sendable {
    /// As it was written.
    let text: String
    let session: SessionAddress?
    let reference: RunReference

    /// - Parameter userID: see ``SessionAddress/init(parsing:userID:)``.
    /// - Throws: `INVALID_ARGUMENT` for what no run can be called.
    public init(parsing text: String, userID: (String) async -> UInt32?) async throws(LensError) {
        // A session's name may have colons in it, a run's never.
        guard let colon = text.lastIndex(of: ":") else {
            try self.init(text)
            return
        }
        let reference = try RunReference(parsing: String(text[text.index(after: colon)...]))
        let session = try await SessionAddress(parsing: String(text[..<colon]), userID: userID)
        self.init(text: text, session: session, reference: reference)
    }

    /// A run without its session.
    public init(_ reference: String) throws(LensError) {
        self.init(text: reference, session: nil, reference: try RunReference(parsing: reference))
    }

    /// A run of a session.
    public init(_ reference: String, in session: SessionAddress) throws(LensError) {
        self.init(text: reference, session: session, reference: try RunReference(parsing: reference))
    }

    private init(text: String, session: SessionAddress?, reference: RunReference) {
        self.text = text
        self.session = session
        self.reference = reference
    }
}
