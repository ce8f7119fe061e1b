import Glibc
import LensCore

/// The program that shows pages: `$BROWSER`, else the desktop's own through xdg-open.
struct Browser {
    /// Program and arguments; `%s` stands for what is opened, which comes last where it does not stand there.
    let command: [String]

    /// - Throws: `FAILED_PRECONDITION` where there is none.
    static func find() throws(LensError) -> Browser {
        // Several, in the order of preference, have colons between them.
        for choice in (Environment["BROWSER"] ?? "").split(separator: ":") {
            let command = choice.split(separator: " ").map(String.init)
            if let program = command.first, isThere(program) { return Browser(command: command) }
        }
        guard Environment["DISPLAY"] != nil || Environment["WAYLAND_DISPLAY"] != nil, isThere("xdg-open") else {
            throw LensError(.failedPrecondition, "there is no browser here ($BROWSER, or xdg-open on a desktop)")
        }
        return Browser(command: ["xdg-open"])
    }

    /// Opens a file, without waiting for it to be shown.
    ///
    /// - Throws: `FAILED_PRECONDITION` where the program cannot be started.
    func open(_ path: String) throws(LensError) {
        let hasPlace = command.contains { $0.contains("%s") }
        let arguments = command.map { $0 == "%s" ? path : $0 } + (hasPlace ? [] : [path])
        var actions = posix_spawn_file_actions_t()
        var attributes = posix_spawnattr_t()
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        for (descriptor, flags) in [(STDIN_FILENO, O_RDONLY), (STDOUT_FILENO, O_WRONLY), (STDERR_FILENO, O_WRONLY)] {
            posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", flags, 0)
        }
        // A process group of its own: Ctrl-C here is not meant for a browser.
        posix_spawnattr_setpgroup(&attributes, 0)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF))
        let strings = arguments.map { strdup($0) }
        defer { for string in strings { free(string) } }
        var id: pid_t = 0
        let status = posix_spawnp(&id, arguments[0], &actions, &attributes, strings + [nil], environ)
        guard status == 0 else {
            throw LensError(
                .failedPrecondition, "cannot start '\(arguments[0])': \(SystemError.text(status))")
        }
    }

    private static func isThere(_ program: String) -> Bool {
        if program.contains("/") { return access(program, X_OK) == 0 }
        return (Environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":").contains {
            access("\($0)/\(program)", X_OK) == 0
        }
    }
}
