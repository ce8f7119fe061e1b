import ArgumentParser
import LensCore
import LensTerminal

extension Sessions {
    struct Note: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a note on a run, or with --of on a session.",
            discussion: """
                A note takes the place of the one before; an empty one ('') takes it away. 'show' has the notes, \
                'search' looks through them.

                Examples:
                  lensctl sessions note last "head 8 copies the name"
                  lensctl sessions note ioi:3f9c ""
                  lensctl sessions note --of ioi "indirect objects, second try"
                """)

        @Argument(help: "The run (not with --of) and the note; '-' is standard input.")
        var words: [String]
        @Option(name: .customLong("of"), help: ArgumentHelp("A note on this session.", valueName: "session"))
        var session: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func validate() throws {
            guard words.count == (session == nil ? 2 : 1) else {
                throw ValidationError(
                    session == nil
                        ? "expected RUN TEXT, or --of SESSION TEXT; received \(words.count) words (quote the text)"
                        : "expected TEXT with --of; received \(words.count) words (quote the text)")
            }
        }

        func run(on console: Console) async throws {
            let written = words.last ?? ""
            let text = written == "-" ? try TextFile.promptFromStandardInput() : written
            let subject: SetNoteRequest.Subject =
                if let session { .session(session) } else { .run(words.first ?? "") }
            let connection = try global.connect()
            let id = try await connection.setNote(SetNoteRequest(subject, text: text))
            let kind = session == nil ? "run" : "session"
            console.answer(.object([("schema", .integer(1)), (kind, .string(id)), ("note", .string(text))])) { _ in
                [StyledText("\(text.isEmpty ? "took the note off" : "noted on") \(kind) \(id.prefix(12))")]
            }
        }
    }
}
