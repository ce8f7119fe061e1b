import Glibc
import LensCore

/// A lensd that was started in the background, in a session of its own, writing to a log.
struct DaemonProcess {
    let id: pid_t

    /// Starts a program; it inherits the environment and the current folder, and nothing from the terminal.
    ///
    /// - Parameter log: Standard output and standard error are appended to it.
    /// - Throws: `FAILED_PRECONDITION` where the log cannot be written or the program cannot be started.
    static func start(_ executable: String, arguments: [String], log: String) throws(LensError) -> DaemonProcess {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log, O_WRONLY | O_CREAT | O_APPEND, 0o600)
        posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO)
        // lensctl ignores SIGINT while it waits; the daemon is to have every signal as it comes.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        let setSession: Int32 = 0x80  // POSIX_SPAWN_SETSID, which Swift's Glibc does not show
        posix_spawnattr_setflags(
            &attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | setSession))
        let strings = ([executable] + arguments).map { strdup($0) }
        defer { for string in strings { free(string) } }
        var id: pid_t = 0
        let status = posix_spawn(&id, executable, &actions, &attributes, strings + [nil], environ)
        guard status == 0 else {
            throw LensError(
                .failedPrecondition,
                "cannot start '\(executable)' with its log at '\(log)': \(SystemError.text(status))")
        }
        return DaemonProcess(id: id)
    }

    /// How a process ended.
    enum Ending: CustomStringConvertible {
        case exit(Int32)
        case signal(Int32)

        /// - Parameter waitStatus: What `waitpid` wrote.
        init(waitStatus status: Int32) {
            self = status & 0x7F == 0 ? .exit((status >> 8) & 0xFF) : .signal(status & 0x7F)
        }

        var description: String {
            switch self {
            case .exit(let code): "exit code \(code)"
            case .signal(let number): "signal \(number)"
            }
        }

        /// What lensd meant by it; it uses the exit codes that lensctl uses.
        var status: StatusCode {
            switch self {
            case .exit(ExitStatus.badUsage.rawValue), .exit(ExitStatus.badInput.rawValue): .invalidArgument
            case .exit(ExitStatus.tryAgain.rawValue): .resourceExhausted
            case .exit(ExitStatus.notAllowed.rawValue): .permissionDenied
            default: .unavailable
            }
        }
    }

    /// How the process ended; `nil` while it lives. Only its parent may ask.
    func ending() -> Ending? {
        var status: Int32 = 0
        guard waitpid(id, &status, WNOHANG) == id else { return nil }
        return Ending(waitStatus: status)
    }

    /// Whether a process of this id is at work; one that ended and that its parent has not asked about is not.
    var exists: Bool {
        guard let line = try? TextFile.text(at: "/proc/\(id)/stat", limit: 1 << 12) else { return false }
        // `PID (NAME) STATE …`, where NAME may hold anything.
        let state = line.lastIndex(of: ")").map { line[$0...].dropFirst(2).first }
        return state != "Z" && state != "X"
    }

    /// The user it runs as; `nil` where there is no such process.
    var userID: uid_t? {
        var status = stat()
        return stat("/proc/\(id)", &status) == 0 ? status.st_uid : nil
    }

    /// The folder that lensctl is in, links resolved.
    static var ownFolder: String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        guard count > 0 else { return nil }
        let own = String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
        return own.lastIndex(of: "/").map { String(own[..<$0]) }
    }

    /// lensd beside the running lensctl, else on the path.
    ///
    /// - Throws: `NOT_FOUND` that says where it was looked for.
    static func findExecutable() throws(LensError) -> String {
        var folders = ownFolder.map { [$0] } ?? []
        folders += (Environment["PATH"] ?? "").split(separator: ":").map(String.init)
        for folder in folders where access(folder + "/lensd", X_OK) == 0 { return folder + "/lensd" }
        throw .notFound("no lensd beside lensctl or on the path; looked in \(folders.joined(separator: ", "))")
    }
}
