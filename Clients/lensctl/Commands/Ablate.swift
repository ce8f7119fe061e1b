import ArgumentParser
import LensCore
import LensReport
import LensTerminal

struct Ablate: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ablate every head in turn and show what each does to the loss.",
        discussion: """
            The difference of the loss comes with its standard error, paired over the predictions of the prompt or, \
            with --corpus, of all prompts of a file: one per line, or one {"text": …} per line in a .jsonl.

            Examples:
              lensctl ablate "Once upon a time, there was a little girl named Lily."
              lensctl ablate --corpus stories.txt --kind mean --csv heads.csv
            """)

    @OptionGroup var input: PromptOptions
    @Option(help: ArgumentHelp("Prompts from a file, .txt or .jsonl; empty lines are skipped.", valueName: "file"))
    var corpus: String?
    @Option(help: "Set a head to zero, or to its mean over the positions of the prompt.")
    var kind: Kind = .zero
    @Option(help: ArgumentHelp("Write a page with the patterns and effects of all heads.", valueName: "file"))
    var html: String?
    @Option(help: ArgumentHelp("Write a table: layer,head,loss,delta,standard_error.", valueName: "file"))
    var csv: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case zero, mean

        var action: AblationKind { self == .zero ? .zero : .mean }
    }

    func validate() throws {
        guard corpus == nil || !input.isGiven else {
            throw ValidationError("the prompts come from one place; received --corpus and a prompt")
        }
        guard corpus != nil || input.isGiven else {
            throw ValidationError("expected prompts: TEXT, '-', --file PATH, --ids 5,7,9 or --corpus FILE")
        }
    }

    func run(on console: Console) async throws {
        let prompts =
            try corpus.map { AblationPrompts(try Corpus(at: $0), prependBOS: !input.noBos) }
            ?? AblationPrompts(try input.prompt())
        let reference = try global.modelReference()
        let connection = try global.connect()
        let sweep = try await connection.ablate(
            prompts, model: reference, session: global.sessionName, action: kind.action, on: console)
        if let csv { try OutputFile.write(SweepTable.csv(sweep), to: csv) }
        if let html {
            // The page shows the patterns of the first prompt.
            let status = try await connection.status()
            let study = try await PatternStudy.of(
                prompts.first, model: try status.model(for: reference),
                request: RunRequest(
                    model: reference, session: global.sessionName, prompts: [], topCount: 5, wantsPerTokenLoss: true,
                    isRecorded: false),
                layers: nil, connection: connection)
            try OutputFile.write(try study.page(ablation: sweep, daemon: status.version).html(), to: html)
        }
        console.answer(json(sweep)) { terminal in text(sweep, on: terminal) }
    }

    private func json(_ sweep: SweepReply) -> JSON {
        .object([
            ("schema", .integer(1)), ("run", sweep.runID.isEmpty ? .null : .string(sweep.runID)),
            ("model", .string(sweep.modelName)), ("fingerprint", .string(sweep.fingerprint)),
            ("kind", .string(sweep.action.rawValue)), ("hook", .string(sweep.hook)),
            // As run; of a corpus one list per prompt.
            ("tokens", corpus == nil ? .tokens(sweep.tokens.first ?? []) : .array(sweep.tokens.map(JSON.tokens))),
            ("predictions", .integer(sweep.predictionCount)), ("baseline_loss", .number(sweep.baselineLoss)),
            ("heads", .array(sweep.heads.map { .object(JSON.headEffect($0)) })),
        ])
    }

    private func text(_ sweep: SweepReply, on terminal: Terminal) -> [StyledText] {
        var lines: [StyledText] = []
        if corpus == nil, let tokens = sweep.tokens.first { lines += TokenStrip(tokens).lines(on: terminal) + [""] }
        lines += SweepTable.lines(sweep, on: terminal)
        for path in [html.map { "page: \($0)" }, csv.map { "table: \($0)" }] {
            if let path { lines.append(StyledText(terminal.visible(line: path))) }
        }
        return lines
    }
}
