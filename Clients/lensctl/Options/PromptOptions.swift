import ArgumentParser
import LensCore

/// Where a prompt comes from: the command line, a file, standard input, or token ids.
struct PromptOptions: ParsableArguments {
    @Argument(help: ArgumentHelp("The prompt; '-' reads it from standard input.", valueName: "text"))
    var text: String?

    @Option(help: ArgumentHelp("Read the prompt from a file; one final newline is dropped.", valueName: "path"))
    var file: String?

    @Option(help: ArgumentHelp("Token ids instead of text, such as 5,7,9; nothing is put in front.", valueName: "ids"))
    var ids: String?

    @Flag(help: "Leave the beginning-of-sequence token out.")
    var noBos = false

    /// Whether the command line names a prompt at all.
    var isGiven: Bool { text != nil || file != nil || ids != nil }

    func validate() throws {
        let given = [text.map { _ in "TEXT" }, file.map { _ in "--file" }, ids.map { _ in "--ids" }].compactMap { $0 }
        guard given.count <= 1 else {
            throw ValidationError("a prompt comes from one place; received \(given.joined(separator: " and "))")
        }
    }

    /// - Throws: a usage error where no prompt is named, for commands that cannot do without.
    func validateIsGiven() throws {
        guard isGiven else { throw ValidationError("expected a prompt: TEXT, '-', --file PATH or --ids 5,7,9") }
    }

    /// The prompt, for commands that run it.
    ///
    /// - Throws: `INVALID_ARGUMENT` for one that is empty or cannot be read.
    func prompt() throws(LensError) -> Prompt {
        let prompt = try possiblyEmptyPrompt()
        switch prompt {
        case .text(let text, _) where text.isEmpty:
            throw .invalidArgument("a run needs at least one character of text; received an empty prompt")
        case .tokens(let ids) where ids.isEmpty:
            throw .invalidArgument("a run needs at least one token; received an empty list of ids")
        default:
            return prompt
        }
    }

    /// The prompt, for `tokens`, which takes an empty one too.
    func possiblyEmptyPrompt() throws(LensError) -> Prompt {
        if let ids { return .tokens(try TokenIDs(parsing: ids).ids) }
        if let file { return .text(try TextFile.prompt(at: file), prependBOS: !noBos) }
        let text = text == "-" ? try TextFile.promptFromStandardInput() : text ?? ""
        return .text(text, prependBOS: !noBos)
    }
}

/// Token ids as the command line lists them: `5,7,9`.
struct TokenIDs {
    let ids: [Int32]

    /// - Throws: `INVALID_ARGUMENT` that shows what is no id.
    init(parsing list: String) throws(LensError) {
        var ids: [Int32] = []
        for part in list.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let id = Int32(part), id >= 0 else {
                throw .invalidArgument("token ids are whole numbers such as 5,7,9; received '\(part)'")
            }
            ids.append(id)
        }
        self.ids = ids
    }
}
