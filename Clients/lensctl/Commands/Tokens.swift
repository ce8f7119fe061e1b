import ArgumentParser
import LensCore
import LensTerminal

struct Tokens: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Show the tokens that a text becomes, or the text that token ids stand for.",
        discussion: """
            Empty text is allowed here: it gives the beginning-of-sequence token, or nothing with --no-bos.

            Examples:
              lensctl tokens "Once upon a time"
              lensctl tokens --ids 5,7,9
            """)

    @OptionGroup var input: PromptOptions
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        try input.validateIsGiven()
    }

    func run(on console: Console) async throws {
        let request = TokenizeRequest(
            model: try global.modelReference(), prompts: [try input.possiblyEmptyPrompt()])
        let connection = try global.connect()
        let reply = try await connection.tokenize(request)
        let tokens = reply.tokens.first ?? []
        console.answer(
            .object([
                ("schema", .integer(1)), ("model", .string(reply.model)), ("tokens", JSON.tokens(tokens)),
                ("text", .string(reply.texts.first ?? "")),
            ])
        ) { terminal in
            var table = TextTable(columns: [.init("pos", .right), .init("id", .right), .init("token")])
            table.rows = tokens.enumerated().map { position, token in
                [
                    StyledText(String(position), .faint), StyledText(String(token.id)),
                    StyledText(terminal.visible(token: token.text), .bold),
                ]
            }
            let count = StyledText(tokens.count == 1 ? "1 token" : "\(tokens.count) tokens", .faint)
            return tokens.isEmpty ? [count] : table.lines() + ["", count]
        }
    }
}
