import ArgumentParser
import LensCore
import LensTerminal

struct Run: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Run a prompt: its loss, the likeliest next tokens, and an id to query it by.",
        discussion: """
            Examples:
              lensctl run "Once upon a time, there was a"
              cat story.txt | lensctl run - --top 20 --json
              lensctl run "Tom saw a cat" --edit 'zero z0 head=8' --edit 'mean mlp_out0'

            \(EditOptions.syntax)
            """)

    @OptionGroup var input: PromptOptions
    @OptionGroup var edits: EditOptions
    @Option(help: ArgumentHelp("How many next-token predictions to show.", valueName: "n"))
    var top = 10
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        try input.validateIsGiven()
        guard top >= 0 else { throw ValidationError("--top must be 0 or more; received \(top)") }
    }

    func run(on console: Console) async throws {
        let edits = try edits.words()
        let request = RunRequest(
            model: try global.modelReference(), session: global.sessionName, prompts: [try input.prompt()],
            interventions: try edits.specs(), topCount: top)
        let connection = try global.connect()
        let reply = try await connection.run(request)
        guard let result = reply.prompts.first else { throw LensError(.internal, "a run of one prompt answered none") }
        // A plain run's answer stays as it is.
        let edited: [(String, JSON)] = edits.isEmpty ? [] : [("edits", .array(edits.map(JSON.edit)))]
        console.answer(
            .object(
                [
                    ("schema", .integer(1)), ("run", .string(reply.runID)), ("model", .string(reply.modelName)),
                    ("fingerprint", .string(reply.fingerprint)), ("loss", .number(reply.loss)),
                    ("tokens", JSON.tokens(result.tokens)), ("top", JSON.predictions(result.top)),
                ] + edited)
        ) { terminal in
            RunSummaryText.lines(reply, result, edits: edits, on: terminal)
        }
    }
}

/// What a run says of itself before its predictions.
enum RunSummaryText {
    static func lines(
        _ reply: RunReply, _ result: PromptResult, edits: [EditWords] = [], on terminal: Terminal
    ) -> [StyledText] {
        var lines = TokenStrip(result.tokens).lines(on: terminal)
        for edit in edits { lines.append(StyledText("edit  \(terminal.visible(line: edit.description))", .faint)) }
        lines.append("")
        var facts = StyledText("loss ", .faint)
        facts.append(
            reply.loss.isNaN ? "none (a single token predicts nothing)" : DecimalText.fixed(reply.loss, 4), .bold)
        facts.append("  \(result.tokens.count) tokens  \(reply.modelName)", .faint)
        if !reply.runID.isEmpty { facts.append("  run \(reply.runID.prefix(12))", .faint) }
        lines.append(facts)
        if !result.top.isEmpty { lines += [""] + PredictionTable(result.top).lines(on: terminal) }
        return lines
    }
}

extension RunReply {
    /// As a user asks for it: `NAME` or `NAME@raw`.
    var modelName: String { ModelReference(name: model, form: form).description }
}

extension SweepReply {
    /// As a user asks for it: `NAME` or `NAME@raw`.
    var modelName: String { ModelReference(name: model, form: form).description }
}
