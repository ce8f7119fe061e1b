import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Doctor: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look for the usual troubles and say what to do.",
        discussion: """
            Looks at the socket, the daemon and its version, the Python package, the machine's memory, the state's \
            folder and the disk. The exit code is 0 when all is well, 69 without a daemon, 77 where it is closed to \
            you, otherwise 1.

            Examples:
              lensctl doctor
              lensctl doctor --json
            """)

    @Option(
        help: ArgumentHelp("The state's folder. Default: $LENSD_STATE, else $XDG_STATE_HOME/lensd.", valueName: "dir"))
    var state: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func run(on console: Console) async throws {
        let findings = try await examine()
        let troubles = findings.filter { $0.state == .trouble }
        console.answer(
            .object([
                ("schema", .integer(1)), ("healthy", .bool(troubles.isEmpty)), ("findings", .array(findings.map(json))),
            ])
        ) { terminal in
            findings.flatMap { lines($0, on: terminal) }
        }
        // The one that stands before all others decides.
        if let first = troubles.first { throw ExitCode(first.status.rawValue) }
    }

    private func examine() async throws -> [Finding] {
        let (connection, sockets) = SocketCheck(candidates: SocketLocator(socket: global.socket).candidates).run()
        var findings = sockets
        if let connection {
            do throws(LensError) {
                findings += DaemonCheck(status: try await connection.status(), socket: connection.path).run()
            } catch {
                findings.append(
                    .trouble(
                        "daemon", "answers and does not say how it is: \(error.message)",
                        advice: "look into its log: 'lensctl logs' or journalctl", status: ExitStatus(error.code)))
            }
        }
        findings.append(await python())
        if let folder = stateFolder(of: connection) {
            findings += StateCheck(folder: folder, isOwn: folder != Self.systemState).run()
            if connection == nil, let words = Self.lastWords(folder) {
                findings.append(.unknown("log", "the last daemon's log ends with: \(words)"))
            }
        }
        findings.append(clock)
        return findings
    }

    private static let systemState = "/var/lib/lensd"

    /// The machine's daemon keeps its state where its unit says.
    private func stateFolder(of connection: LensConnection?) -> String? {
        if let state { return state }
        if connection?.path == SocketLocator.systemSocket { return Self.systemState }
        return try? OwnDaemon.defaultState()
    }

    private func python() async -> Finding {
        let check = "python"
        let program = PythonProgram.preferred
        let question = "import lensd; print(lensd.__version__)"
        guard let answer = try? await program.run(["-c", question], isQuiet: true), case .exit(0) = answer.ending
        else { return .unknown(check, "'\(program.executable)' has no package lensd") }
        let version = String(decoding: answer.output.prefix(64).prefix { $0 != 0x0A }, as: UTF8.self)
        guard version == lensdVersion else {
            return .trouble(
                check, "the Python package of '\(program.executable)' is lensd \(version), and lensctl \(lensdVersion)",
                advice: "install the package of the same version")
        }
        return .good(check, "'\(program.executable)' has lensd \(version)")
    }

    /// Recorded runs carry the time, and retention goes by it.
    private var clock: Finding {
        let now = time(nil)
        // 2026-01-01, before which there was no lensd.
        guard now > 1_767_225_600 else {
            return .trouble(
                "clock", "the machine's clock says \(DecimalText.moment(Double(now)))", advice: "set the clock")
        }
        return .good("clock", DecimalText.moment(Double(now)))
    }

    private static func lastWords(_ folder: String) -> String? {
        (try? LogFile(at: folder + "/lensd.log"))?.tail(1).last
    }

    private func json(_ finding: Finding) -> JSON {
        .object([
            ("check", .string(finding.check)), ("state", .string(finding.state.rawValue)),
            ("message", .string(finding.message)), ("advice", .string(finding.advice)),
        ])
    }

    private func lines(_ finding: Finding, on terminal: Terminal) -> [StyledText] {
        let mark: StyledText =
            switch finding.state {
            case .good: StyledText("good   ", .faint)
            case .trouble: StyledText("TROUBLE", .bold)
            case .unknown: StyledText("?      ", .faint)
            }
        let what = StyledText(terminal.visible(line: "  \(finding.check): \(finding.message)"))
        guard !finding.advice.isEmpty else { return [mark + what] }
        return [mark + what, StyledText(terminal.visible(line: "           -> \(finding.advice)"))]
    }
}
