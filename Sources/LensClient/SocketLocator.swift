internal import Glibc
public import LensCore

/// Finds the daemon: `--socket`, else `$LENSD_SOCKET`, else one's own daemon, else the machine's.
public struct SocketLocator: Sendable {
    /// The sockets to try, in order. A socket that was named is the only one.
    public let candidates: [String]

    /// The machine's daemon.
    public static let systemSocket = "/run/lensd/lensd.sock"

    /// - Parameters:
    ///   - socket: what `--socket` said.
    ///   - environment: reads a variable of the environment.
    public init(socket: String? = nil, environment: (String) -> String? = Self.variable) {
        if let named = socket ?? environment("LENSD_SOCKET") {
            candidates = [named]
        } else {
            candidates = [Self.ownSocket(environment), Self.systemSocket].compactMap { $0 }
        }
    }

    /// Where one's own daemon listens; `nil` without `$XDG_RUNTIME_DIR`.
    public static func ownSocket(_ environment: (String) -> String? = Self.variable) -> String? {
        environment("XDG_RUNTIME_DIR").map { "\($0)/lensd/lensd.sock" }
    }

    /// Connects to the first candidate that answers.
    ///
    /// - Throws: `UNAVAILABLE` (or `PERMISSION_DENIED` where a socket was there and forbidden) naming all that were
    ///   tried; what a daemon that answered had to say.
    public func connect(
        client: String, retry: RetryPolicy? = RetryPolicy()
    ) throws(LensError) -> LensConnection {
        var failures: [LensError] = []
        for path in candidates {
            do {
                return try LensConnection.connect(path: path, client: client, retry: retry)
            } catch {
                guard Self.isAbsence(error) else { throw error }
                failures.append(error)
            }
        }
        let isForbidden = failures.contains { $0.code == .permissionDenied }
        throw LensError(
            isForbidden ? .permissionDenied : .unavailable,
            "no daemon: \(failures.map(\.message).joined(separator: "; ")). Start your own with `lensctl up`")
    }

    /// Whether nobody was there, as opposed to a daemon that answered with an error.
    private static func isAbsence(_ error: LensError) -> Bool {
        error.code == .unavailable || error.code == .permissionDenied
    }

    /// A variable of this process's environment; an empty one counts as unset.
    public static func variable(_ name: String) -> String? {
        guard let value = getenv(name) else { return nil }
        let text = String(cString: value)
        return text.isEmpty ? nil : text
    }
}
