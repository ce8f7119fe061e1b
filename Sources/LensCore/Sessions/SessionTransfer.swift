/// Asks for a session's runs, to keep them in a file.
public struct ExportSessionRequest: Sendable, Hashable {
    public var name: String
    /// Ids or prefixes of ids within the session; none means all.
    public var runs: [String]

    public init(name: String, runs: [String] = []) {
        self.name = name
        self.runs = runs
    }
}

/// The session, then each of its runs, oldest first.
public enum ExportEvent: Sendable, Hashable {
    /// - Parameters:
    ///   - runs: how many follow.
    ///   - lensdVersion: of the daemon that answers.
    case session(SessionSummary, runs: Int, lensdVersion: String)
    case part(SessionFilePart)
}

/// A piece of one run's JSON, as a session's file holds it.
public struct SessionFilePart: Sendable, Hashable {
    /// About as much as one message carries.
    public static let size = 512 << 10

    /// UTF-8.
    public var json: [UInt8]
    /// The run is complete.
    public var isLast: Bool

    public init(json: [UInt8], isLast: Bool) {
        self.json = json
        self.isLast = isLast
    }

    /// A run's JSON in parts.
    public static func parts(of json: [UInt8]) -> [SessionFilePart] {
        stride(from: 0, to: max(json.count, 1), by: size).map { start in
            let end = min(start + size, json.count)
            return SessionFilePart(json: Array(json[start..<end]), isLast: end == json.count)
        }
    }
}

/// From the client: a start, then parts of runs, each of which is answered before the next is sent.
public enum ImportMessage: Sendable, Hashable {
    /// The session that is made.
    case start(CreateSessionRequest)
    case part(SessionFilePart)
}

public enum ImportEvent: Sendable, Hashable {
    /// Complete runs so far; one for each part.
    case taken(runs: Int)
    /// The whole session, behind the client's end.
    case session(SessionSummary)
}
