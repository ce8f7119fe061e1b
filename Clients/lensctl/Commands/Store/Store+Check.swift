import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Store {
    struct Check: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Look through the whole store, while calls go on: every page, every reference, every sum.",
            discussion: """
                The exit code is 0 for a sound store.

                Examples:
                  lensctl store check
                """)

        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let check = try await connection.checkStore(options: CallOptions(timeout: Store.patience))
            console.answer(
                .object([
                    ("schema", .integer(1)), ("sound", .bool(check.complaints.isEmpty)),
                    ("complaints", .array(check.complaints.map(JSON.string))), ("runs", .integer(check.runCount)),
                    ("bytes", .integer(check.bytes)),
                ])
            ) { terminal in
                let what = "\(check.runCount) runs, \(DecimalText.bytes(check.bytes))"
                return check.complaints.isEmpty
                    ? [StyledText("sound: \(what)")]
                    : [StyledText("not sound: \(what)", .bold)]
                        + check.complaints.map { StyledText(terminal.visible(line: $0)) }
            }
            if !check.complaints.isEmpty { throw ExitCode(ExitStatus.failure.rawValue) }
        }
    }
}
