@preconcurrency import Dispatch
import Glibc
import LensCore

/// A Python that has the package `lensd` and what one of its extras needs.
///
/// What only Python's libraries know, such as downloading, is done by modules of that package in a process of their own.
struct PythonProgram: Sendable {
    /// A path, or a name that is looked for on the path.
    let executable: String

    /// `$LENSD_PYTHON`, else the one of the virtual environment that lensctl was installed into, else python3 on the path.
    static var preferred: PythonProgram {
        if let executable = Environment["LENSD_PYTHON"] { return PythonProgram(executable: executable) }
        if let folder = DaemonProcess.ownFolder, access(folder + "/../pyvenv.cfg", R_OK) == 0,
            access(folder + "/python3", X_OK) == 0
        {
            return PythonProgram(executable: folder + "/python3")
        }
        return PythonProgram(executable: "python3")
    }

    /// The preferred one, where it has what is needed.
    ///
    /// - Parameters:
    ///   - packages: What has to be importable beside lensd.
    ///   - extra: The extra of the package that brings them; `nil` where the package alone is enough.
    /// - Throws: `FAILED_PRECONDITION` that says how to install what is missing.
    static func find(with packages: [String], extra: String?) async throws(LensError) -> PythonProgram {
        let program = preferred
        // Finding imports nothing: that would take a second.
        let names = (["lensd"] + packages).map { "'\($0)'" }.joined(separator: ",")
        let question = "import importlib.util as u, sys; sys.exit(not all(map(u.find_spec, [\(names)])))"
        guard case .exit(0) = try await program.run(["-c", question], isQuiet: true).ending else {
            let needed = extra.map { " with its extra '\($0)'" } ?? ""
            let selected = extra.map { "[\($0)]" } ?? ""
            throw LensError(
                .failedPrecondition,
                "this needs the Python package lensd\(needed): where lensd's sources are, "
                    + "pip install './Clients/python\(selected)'. Looked in '\(program.executable)'; "
                    + "LENSD_PYTHON names another Python")
        }
        return program
    }

    /// Runs Python to its end; it may be seen on standard error, and gets Ctrl-C when the task is cancelled.
    ///
    /// - Returns: what it wrote to standard output, and how it ended.
    /// - Throws: `FAILED_PRECONDITION` where it cannot be started.
    func run(
        _ arguments: [String], isQuiet: Bool = false
    ) async throws(LensError) -> (output: [UInt8], ending: DaemonProcess.Ending) {
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            throw LensError(.resourceExhausted, "cannot make a pipe: \(SystemError.text(errno))")
        }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        let reading = ends[0]
        let id: pid_t
        do {
            defer { close(ends[1]) }
            id = try start(arguments, output: ends[1], isQuiet: isQuiet)
        } catch {
            close(reading)
            throw error
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().async {
                    let output = Self.readAll(reading)
                    close(reading)
                    continuation.resume(returning: (output, Self.wait(for: id)))
                }
            }
        } onCancel: {
            // At a terminal it has it already; twice does no harm.
            kill(id, SIGINT)
        }
    }

    /// Becomes Python, with this process's id, terminal and streams.
    ///
    /// - Throws: `FAILED_PRECONDITION` where it cannot be started; otherwise lensctl ends here.
    func replaceProcess(_ arguments: [String]) throws(LensError) -> Never {
        // lensctl ignores SIGINT itself; what is ignored or blocked would stay so.
        signal(SIGINT, SIG_DFL)
        signal(SIGPIPE, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        pthread_sigmask(SIG_SETMASK, &signals, nil)
        let strings = ([executable] + arguments).map { strdup($0) }
        defer { for string in strings { free(string) } }
        execvp(executable, strings + [nil])
        throw cannotStart(errno)
    }

    private func cannotStart(_ status: Int32) -> LensError {
        LensError(
            .failedPrecondition,
            "cannot start Python as '\(executable)': \(SystemError.text(status)); LENSD_PYTHON names another")
    }

    private func start(_ arguments: [String], output: Int32, isQuiet: Bool) throws(LensError) -> pid_t {
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO)
        if isQuiet { posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0) }
        // lensctl ignores SIGINT itself; what is ignored would stay ignored in the child.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGINT)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK))
        let strings = ([executable] + arguments).map { strdup($0) }
        defer { for string in strings { free(string) } }
        var id: pid_t = 0
        let status = posix_spawnp(&id, executable, &actions, &attributes, strings + [nil], environ)
        guard status == 0 else { throw cannotStart(status) }
        return id
    }

    private static func readAll(_ descriptor: Int32) -> [UInt8] {
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &piece, piece.count)
            if count > 0 {
                bytes += piece[..<count]
            } else if count == 0 || errno != EINTR {
                return bytes
            }
        }
    }

    private static func wait(for id: pid_t) -> DaemonProcess.Ending {
        var status: Int32 = 0
        while waitpid(id, &status, 0) != id {
            guard errno == EINTR else { return .exit(-1) }
        }
        return DaemonProcess.Ending(waitStatus: status)
    }
}
