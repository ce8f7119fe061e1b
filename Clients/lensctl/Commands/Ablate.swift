import ArgumentParser
import LensClient
import LensCore
import LensReport
import LensTerminal

struct Ablate: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ablate every head in turn and show what each does to the loss.",
        discussion: """
            The difference of the loss comes with its standard error, paired over the predictions of the prompt or, \
            with --corpus, of all prompts of a file: one per line, or one {"text": …} or {"tokens": […]} per line in a .jsonl. \
            --what ablates other parts, --metric reads something else than the loss.

            Examples:
              lensctl ablate "Once upon a time, there was a little girl named Lily."
              lensctl ablate --corpus stories.txt --kind mean --csv heads.csv
              lensctl ablate --what neurons --layer 0 --answer " Lily" "Her name was"
              lensctl ablate --kind resample --source "Tom had a big red ball." "Lily had a doll."
            """)

    @OptionGroup var input: PromptOptions
    @Option(help: ArgumentHelp("Prompts from a file, .txt or .jsonl; empty lines are skipped.", valueName: "file"))
    var corpus: String?
    @Option(help: "What is ablated, each by itself; layers lose attention and MLP, pairs are of heads.")
    var what: What = .heads
    @Option(help: "Set to zero, to its mean over the positions of the prompt, or take it from another prompt.")
    var kind: Kind = .zero
    @Option(
        help: ArgumentHelp(
            "The activation, such as v, q, k or pattern of heads. Default: by what is ablated.", valueName: "name"))
    var hook: String?
    @Option(help: ArgumentHelp("Only this layer; neurons need one.", valueName: "layer"))
    var layer: Int?
    @Option(
        help: ArgumentHelp(
            "The prompt that --kind resample takes from. Default: the next of the corpus that is long enough.",
            valueName: "text"))
    var source: String?
    @OptionGroup var metric: MetricOptions
    @Option(help: ArgumentHelp("Write a page with the patterns and effects of all heads.", valueName: "file"))
    var html: String?
    @Option(help: ArgumentHelp("Write a table: layer,head,loss,delta,standard_error.", valueName: "file"))
    var csv: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case zero, mean, resample
    }

    enum What: String, ExpressibleByArgument, CaseIterable {
        case heads, mlps, layers, neurons, positions, pairs

        /// The points that are edited together, and along what.
        var places: (hooks: [String], axes: [SweepAxis]) {
            switch self {
            case .heads, .pairs: (["z"], [.layer, .head])
            case .mlps: (["mlp_out"], [.layer])
            case .layers: (["attn_out", "mlp_out"], [.layer])
            case .neurons: (["post"], [.layer, .component])
            case .positions: (["resid_pre"], [.layer, .position])
            }
        }
    }

    func validate() throws {
        guard corpus == nil || !input.isGiven else {
            throw ValidationError("the prompts come from one place; received --corpus and a prompt")
        }
        guard corpus != nil || input.isGiven else {
            throw ValidationError("expected prompts: TEXT, '-', --file PATH, --ids 5,7,9 or --corpus FILE")
        }
        guard what != .neurons || layer != nil else { throw ValidationError("--what neurons takes a --layer") }
        guard source == nil || kind == .resample else { throw ValidationError("--source is for --kind resample") }
        guard kind != .resample || source != nil || corpus != nil else {
            throw ValidationError("--kind resample of one prompt takes another as --source")
        }
        guard html == nil || isOfHeads else {
            throw ValidationError("a page shows the loss of heads; leave --html out, or --what and --metric")
        }
        try metric.check()
    }

    /// The sweep that pages and the table of heads are about.
    private var isOfHeads: Bool { what == .heads && metric.kind == .loss }

    func run(on console: Console) async throws {
        let prompts =
            try corpus.map { try AblationPrompts(Corpus(at: $0, prependBOS: !input.noBos)) }
            ?? AblationPrompts(try input.prompt())
        let reference = try global.modelReference()
        let connection = try global.connect()
        let metric = try await metric.resolved(for: reference, on: connection)
        let sweep = try await connection.sweep(
            prompts, model: reference, session: global.sessionName, title: "ablating", on: console
        ) { batch in
            try await spec(for: batch, metric: metric, model: reference, on: connection)
        }
        guard isOfHeads, layer == nil else { return try answer(SweepText(sweep), on: console) }
        if let csv { try OutputFile.write(SweepTable.csv(sweep), to: csv) }
        if let html {
            // The page shows the patterns of the first prompt.
            let status = try await connection.status()
            let study = try await PatternStudy.of(
                prompts.first, model: try await connection.describeModel(reference).model,
                request: RunRequest(
                    model: reference, session: global.sessionName, prompts: [], topCount: 5, wantsPerTokenLoss: true,
                    isRecorded: false),
                layers: nil, connection: connection)
            try OutputFile.write(try study.page(ablation: sweep, daemon: status.version).html(), to: html)
        }
        console.answer(json(sweep)) { terminal in text(sweep, on: terminal) }
    }

    private func spec(
        for batch: [Prompt], metric: Metric, model: ModelReference, on connection: LensConnection
    ) async throws -> SweepSpec {
        let action: InterventionSpec.Action =
            switch kind {
            case .zero: .zero
            case .mean: .mean
            case .resample:
                try await Resampling.action(
                    for: batch, source: source.map { .text($0, prependBOS: !input.noBos) }, model: model,
                    on: connection)
            }
        let places = what.places
        let edits = (hook.map { [$0] } ?? places.hooks).map {
            InterventionSpec(hook: $0, layers: layer.map { .list([$0]) } ?? .every, action: action)
        }
        return SweepSpec(edits: edits, axes: places.axes, isPaired: what == .pairs, metrics: [metric])
    }

    private func answer(_ text: SweepText, on console: Console) throws {
        if let csv { try OutputFile.write(text.csv, to: csv) }
        console.answer(text.json) { terminal in
            var lines: [StyledText] = []
            if corpus == nil, let tokens = text.sweep.tokens.first {
                lines += TokenStrip(tokens).lines(on: terminal) + [""]
            }
            lines += text.lines(on: terminal)
            if let csv { lines.append(StyledText(terminal.visible(line: "table: \(csv)"))) }
            return lines
        }
    }

    private func json(_ sweep: SweepReply) -> JSON {
        .object([
            ("schema", .integer(1)), ("run", sweep.runID.isEmpty ? .null : .string(sweep.runID)),
            ("model", .string(sweep.modelName)), ("fingerprint", .string(sweep.fingerprint)),
            ("kind", .string(kind.rawValue)), ("hook", .string(sweep.hook)),
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
