import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Sessions {
    struct Replay: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a session's runs again and say what differs.",
            discussion: """
                Every run, sweep and generation is computed again from its recipe, by the model with the same weights \
                or else by the one that has its name now. A run is the same where every number is within \
                1e-5 + 1e-5·|x| of the recorded one. Runs in which a hook function took part are skipped. Nothing is \
                recorded, unless --into names a session of yours.

                The exit status is 0 where nothing differs and 1 where something does or could not be computed.

                Examples:
                  lensctl sessions replay ioi
                  lensctl sessions replay ioi 3f9c 81d2 --json
                  lensctl sessions replay alice/ioi --into ioi-again
                """)

        @Argument(help: "The session, NAME or OWNER/NAME.")
        var name: String
        @Argument(help: "Only these runs of it: ids or unique prefixes.")
        var runs: [String] = []
        @Option(help: ArgumentHelp("Record the new runs in this session of yours.", valueName: "session"))
        var into: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let found = try await replay(connection, Progress("replaying", on: console))
            let isSame = found.allSatisfy { $0.outcome == .same || $0.outcome == .skipped }
            console.answer(
                .object([
                    ("schema", .integer(1)), ("session", .string(name)), ("same", .bool(isSame)),
                    ("runs", .array(found.map(json))),
                ])
            ) { text(found, on: $0) }
            if !isSame { throw ExitCode(ExitStatus.failure.rawValue) }
        }

        private func replay(_ connection: LensConnection, _ progress: Progress) async throws -> [ReplayedRun] {
            defer { progress.finish() }
            var found: [ReplayedRun] = []
            let request = ReplaySessionRequest(name: name, runs: runs, into: into ?? "")
            for try await event in try connection.replaySession(request) {
                switch event {
                case .progress(let done, let total): progress.update(done: done, total: total)
                case .run(let run): found.append(run)
                }
            }
            return found
        }

        private func json(_ run: ReplayedRun) -> JSON {
            .object([
                ("run", .string(run.id)), ("kind", .string(run.kind.rawValue)),
                ("outcome", .string(run.outcome.rawValue)), ("loss_difference", .number(run.lossDifference)),
                ("largest_difference", .number(run.largestDifference)), ("remark", .string(run.remark)),
                ("fingerprint", run.fingerprint.isEmpty ? .null : .string(run.fingerprint)),
                ("recorded_as", run.recordedAs.isEmpty ? .null : .string(run.recordedAs)),
            ])
        }

        private func text(_ runs: [ReplayedRun], on terminal: Terminal) -> [StyledText] {
            guard !runs.isEmpty else { return [StyledText("no runs to replay", .faint)] }
            let table = TextTable(
                columns: [
                    .init("run"), .init("kind"), .init("again"), .init("loss off", .right), .init("most off", .right),
                    .init("text"),
                ],
                rows: runs.map { run in
                    [
                        StyledText(String(run.id.prefix(12))), StyledText(run.kind.rawValue),
                        StyledText(run.outcome.rawValue, run.outcome == .same ? .faint : .bold),
                        StyledText(difference(run.lossDifference)), StyledText(difference(run.largestDifference)),
                        StyledText(
                            terminal.visible(line: run.excerpt).truncated(
                                to: max(terminal.width - 62, 10), mark: terminal.ellipsis)),
                    ]
                }
            ).lines()
            var lines = [table[0]]
            for (run, line) in zip(runs, table.dropFirst()) {
                lines.append(line)
                if !run.remark.isEmpty {
                    let remark = terminal.visible(line: run.remark).truncated(
                        to: max(terminal.width - 4, 20), mark: terminal.ellipsis)
                    lines.append(StyledText("    \(remark)", .faint))
                }
            }
            return lines
        }

        private func difference(_ value: Double) -> String {
            value.isNaN ? "" : value == 0 ? "0" : DecimalText.scientific(value, 1)
        }
    }
}
