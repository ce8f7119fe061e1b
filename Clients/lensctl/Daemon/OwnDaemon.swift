import ArgumentParser
import Glibc
import LensClient
import LensCore

/// Where one's own daemon listens and keeps its state, by the rules that lensd itself follows.
struct OwnDaemon {
    let socket: String
    let state: String

    var log: String { state + "/lensd.log" }

    /// - Parameters:
    ///   - socket: What the command line says.
    ///   - state: What the command line says.
    /// - Throws: a usage error where no place is known.
    init(socket: String?, state: String?) throws {
        self.socket = try socket ?? Self.defaultSocket()
        self.state = try state ?? Self.defaultState()
    }

    /// The daemon; `nil` where none runs.
    ///
    /// - Throws: why one that runs cannot be asked.
    func connect() throws(LensError) -> LensConnection? {
        do throws(LensError) {
            return try SocketLocator(socket: socket).connect(client: "lensctl/\(lensdVersion)")
        } catch {
            guard error.code == .unavailable else { throw error }
            return nil
        }
    }

    static func defaultSocket() throws -> String {
        if let path = Environment["LENSD_SOCKET"] { return path }
        if let folder = Environment.folder("XDG_RUNTIME_DIR") { return folder + "/lensd/lensd.sock" }
        if geteuid() == 0 { return "/run/lensd/lensd.sock" }
        throw ValidationError("no place for the socket: give --socket PATH, or set LENSD_SOCKET or XDG_RUNTIME_DIR")
    }

    static func defaultState() throws -> String {
        if let path = Environment["LENSD_STATE"] { return path }
        if let folder = Environment.folder("XDG_STATE_HOME") { return folder + "/lensd" }
        if let folder = Environment.folder("HOME") { return folder + "/.local/state/lensd" }
        throw ValidationError("no place for sessions: give --state DIR, or set LENSD_STATE or HOME")
    }

    /// Makes the state's folder with those above it, for its owner alone.
    ///
    /// - Throws: `PERMISSION_DENIED` or `FAILED_PRECONDITION` where it cannot be made.
    func makeStateFolder() throws(LensError) {
        var path = state.hasPrefix("/") ? "" : "."
        for part in state.split(separator: "/") {
            path += "/" + part
            guard mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
            let code = errno
            throw LensError(
                code == EACCES || code == EPERM ? .permissionDenied : .failedPrecondition,
                "cannot make the state's folder '\(path)': \(SystemError.text(code))")
        }
    }
}

extension LensConnection {
    /// Refuses a name under which the daemon serves another folder than that of its state.
    ///
    /// - Throws: `ALREADY_EXISTS`
    func checkIsImportable(_ name: String) async throws(LensError) {
        guard try await listModels().states.contains(where: { $0.name == name && $0.isConfigured }) else { return }
        throw LensError(
            .alreadyExists,
            "'\(name)' is a model of the daemon's flags or configuration, which comes before one that is imported; "
                + "--name gives another name")
    }
}

extension Environment {
    /// The XDG specification says that a relative folder is to be ignored.
    static func folder(_ name: String) -> String? {
        self[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
}

extension OwnDaemon {
    /// The process of the daemon that answers at a socket, to be sent a signal.
    ///
    /// - Throws: `UNAVAILABLE` where none answers; `FAILED_PRECONDITION` for one whose process is not here;
    ///   `PERMISSION_DENIED` for another user's.
    static func process(answeringAt socket: String) async throws(LensError) -> pid_t {
        let connection = try SocketLocator(socket: socket).connect(client: "lensctl/\(lensdVersion)")
        let pid = try await connection.status().processID
        // The daemon said its own number; it is believed only for a process of the same user.
        guard let id = pid_t(exactly: pid), id > 1, let owner = DaemonProcess(id: id).userID else {
            throw LensError(
                .failedPrecondition, "the daemon at '\(socket)' says it is process \(pid), which is not here")
        }
        guard owner == geteuid() else {
            throw LensError(
                .permissionDenied,
                "the daemon at '\(socket)' runs as user \(owner); yours would run as user \(geteuid())")
        }
        return id
    }
}
