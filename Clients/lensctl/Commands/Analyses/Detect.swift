import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Detect: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Which heads are previous-token, duplicate-token or induction heads.",
        discussion: """
            TransformerLens's detect_head of every head, and with --random the induction score on random tokens that \
            are repeated once.

            Examples:
              lensctl detect "the red ball and the red ball"
              lensctl detect TEXT --measure abs --exclude-bos --exclude-current-token
              lensctl detect --random 50 --batch 8 --seed 1
            """)

    @OptionGroup var input: PromptOptions
    @OptionGroup var edits: EditOptions
    @Option(help: "The share of attention on the pattern, or 1 minus the distance from it.") var measure = Measure.mul
    @Flag(help: "Leave attention to the first position out.") var excludeBos = false
    @Flag(help: "Leave attention to the query's own position out.") var excludeCurrentToken = false
    @Option(help: ArgumentHelp("Score induction on so many random tokens, repeated once.", valueName: "length"))
    var random: Int?
    @Option(help: "Random sequences.") var batch = 8
    @Option(help: "Of the random tokens.") var seed: UInt64 = 0
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Measure: String, ExpressibleByArgument, CaseIterable { case mul, abs }

    func validate() throws {
        guard input.isGiven != (random != nil) else {
            throw ValidationError("expected a prompt or --random, and not both")
        }
        guard random == nil || (measure == .mul && !excludeBos && !excludeCurrentToken) else {
            throw ValidationError("--measure and --exclude-… go with a prompt, not with --random")
        }
    }

    func run(on console: Console) async throws {
        let model = try global.modelReference()
        let specs = try edits.words().specs()
        let connection = try global.connect()
        let heads = try await connection.describeModel(model).model.configuration.nHeads
        if let random {
            let reply = try await connection.scoreInduction(
                InductionRequest(model: model, interventions: specs, length: random, batch: batch, seed: seed))
            return answer(
                console, [("induction_score", reply.scores)], heads: heads, measure: "induction",
                stamp: JSON.stamp(model: reply.model, form: reply.form, fingerprint: reply.fingerprint, tokens: []))
        }
        let reply = try await connection.detectHeads(
            HeadDetectionRequest(
                source: .prompts(model, [try input.prompt()], specs), measure: measure == .mul ? .mul : .abs,
                excludesBOS: excludeBos, excludesCurrentToken: excludeCurrentToken))
        answer(
            console, reply.detections.map { ($0.kind.name, $0.scores) }, heads: heads,
            measure: measure.rawValue,
            stamp: JSON.stamp(
                model: reply.model, form: reply.form, fingerprint: reply.fingerprint,
                tokens: reply.tokens.first ?? []))
    }

    private func answer(
        _ console: Console, _ scores: [(name: String, values: [Float])], heads: Int, measure: String,
        stamp: [(String, JSON)]
    ) {
        let count = scores.first?.values.count ?? 0
        func value(_ index: Int, of values: [Float]) -> Float { index < values.count ? values[index] : .nan }
        let rows = (0..<count).map { index in
            JSON.object(
                [("layer", .integer(index / max(heads, 1))), ("head", .integer(index % max(heads, 1)))]
                    + scores.map { ($0.name, .float(value(index, of: $0.values))) })
        }
        console.answer(.object(stamp + [("measure", .string(measure)), ("heads", .array(rows))])) { _ in
            var table = TextTable(
                columns: [TextTable.Column("head")] + scores.map { TextTable.Column($0.name, .right) })
            table.rows = (0..<count).map { index in
                [StyledText("L\(index / max(heads, 1))H\(index % max(heads, 1))")]
                    + scores.map { StyledText(DecimalText.fixed(Double(value(index, of: $0.values)), 3)) }
            }
            return table.lines()
        }
    }
}
