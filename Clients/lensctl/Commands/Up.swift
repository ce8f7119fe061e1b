import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Up: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Start your own daemon in the background and wait until it is ready.",
        discussion: """
            lensd is looked for beside lensctl, then on the path. It listens at --socket, else $LENSD_SOCKET, else \
            $XDG_RUNTIME_DIR/lensd/lensd.sock, and writes its log into the state's folder. Where one answers already, \
            nothing is started. What follows '--' is handed to lensd.

            Examples:
              lensctl up
              lensctl up -- --model gpt=/models/TinyStories-1Layer-21M --threads 4
            """)

    @Option(
        help: ArgumentHelp("The state's folder. Default: $LENSD_STATE, else $XDG_STATE_HOME/lensd.", valueName: "dir"))
    var state: String?
    @Argument(parsing: .postTerminator, help: "Options for lensd.")
    var lensd: [String] = []
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    /// A large model takes a while to load; more than this means that something hangs.
    private static let longestStart = Duration.seconds(600)

    func run(on console: Console) async throws {
        let daemon = try OwnDaemon(socket: global.socket, state: state)
        if let pid = await Self.answeringProcess(at: daemon.socket) {
            answer(console, daemon, pid: pid, isNew: false)
            return
        }
        let executable = try DaemonProcess.findExecutable()
        try daemon.makeStateFolder()
        let logStart = LogFile.size(at: daemon.log)
        // What the command line says is handed on; the rest lensd finds as lensctl does.
        var arguments = global.socket.map { ["--socket", $0] } ?? []
        arguments += ["--state", daemon.state]
        arguments += global.model.map { ["--model", $0] } ?? []
        let process = try DaemonProcess.start(executable, arguments: arguments + lensd, log: daemon.log)
        do {
            let pid = try await wait(for: process, daemon, logStart: logStart)
            answer(console, daemon, pid: pid, isNew: pid == Int(process.id))
        } catch {
            kill(process.id, SIGTERM)
            throw error
        }
    }

    /// Waits until a daemon answers: the one that was started, or another that was faster.
    private func wait(for process: DaemonProcess, _ daemon: OwnDaemon, logStart: Int) async throws -> Int {
        let deadline = ContinuousClock.now + Self.longestStart
        while true {
            let ending = process.ending()
            if let pid = await Self.answeringProcess(at: daemon.socket) { return pid }
            if let ending {
                throw LensError(
                    ending.status,
                    "lensd ended with \(ending) before it was ready; \(Self.lastWords(daemon, logStart))")
            }
            guard ContinuousClock.now < deadline else {
                throw LensError(
                    .deadlineExceeded, "lensd is not ready after 10 min; \(Self.lastWords(daemon, logStart))")
            }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    /// The process that answers at a socket; `nil` where none does.
    private static func answeringProcess(at socket: String) async -> Int? {
        try? await LensConnection.connect(path: socket).status().processID
    }

    private static func lastWords(_ daemon: OwnDaemon, _ start: Int) -> String {
        let lines = (try? LogFile(at: daemon.log))?.tail(8, from: start) ?? []
        return lines.isEmpty
            ? "nothing was written to '\(daemon.log)'"
            : "the last lines of '\(daemon.log)':\n" + lines.map { "  " + $0 }.joined(separator: "\n")
    }

    private func answer(_ console: Console, _ daemon: OwnDaemon, pid: Int, isNew: Bool) {
        console.answer(
            .object([
                ("schema", .integer(1)), ("socket", .string(daemon.socket)), ("pid", .integer(pid)),
                ("log", isNew ? .string(daemon.log) : .null), ("started", .bool(isNew)),
            ])
        ) { terminal in
            let state = isNew ? "lensd is up" : "lensd was up already"
            let first = "\(state): process \(pid), socket \(daemon.socket)"
            return ([first] + (isNew ? ["log: \(daemon.log)"] : [])).map { StyledText(terminal.visible(line: $0)) }
        }
    }
}
