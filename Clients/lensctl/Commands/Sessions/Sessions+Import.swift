import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Sessions {
    struct Import: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a session of a file that 'export' wrote.",
            discussion: """
                The runs come with their recipes, results, times and notes, under ids of their own, and are marked as \
                imported: nobody here computed them. Their activations can be queried where a model with the same \
                fingerprint is served. What is wrong with the file is said, and nothing of it stays.

                Examples:
                  lensctl sessions import ioi.zip
                  lensctl sessions import ioi.zip --name ioi-of-alice
                """)

        @Argument(help: "The file.")
        var file: String
        @Option(help: ArgumentHelp("What the session is called here. Default: as in the file.", valueName: "name"))
        var name: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let source = try SessionFile.Reader(path: file)
            let connection = try global.connect()
            let progress = Progress("importing", on: console)
            defer { progress.finish() }
            let session = try await connection.importSession(
                CreateSessionRequest(name: name ?? source.name, note: source.note)
            ) { done in
                progress.update(done: done, total: source.runs.count)
            } run: { (number) throws(LensError) in
                guard number < source.runs.count else { return nil }
                return try source.json(of: source.runs[number])
            }
            progress.finish()
            console.answer(.object([("schema", .integer(1)), ("session", JSON.session(session))])) { terminal in
                let count = "\(session.runCount) \(session.runCount == 1 ? "run" : "runs")"
                return [StyledText("imported session \(terminal.visible(line: session.name)), \(count)")]
            }
        }
    }
}
