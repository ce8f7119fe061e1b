import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

struct Lens: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Logit lens: what the model would predict from each layer on.",
        discussion: """
            The residual stream before each layer, and at the end, goes through the final norm and the unembedding. \
            KL is from the final prediction, in nats; the rank is that of the token that comes next in the prompt.

            Examples:
              lensctl lens "Once upon a time, there was a"
              lensctl lens "Once upon a time" --pos 3 --top 8
              lensctl lens TEXT --mid --json
            """)

    @OptionGroup var pass: AnalysisOptions
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "The position. Default: the last; with --json all.", valueName: "position"))
    var pos: Int?
    @Option(help: ArgumentHelp("How many tokens to name at each place.", valueName: "n")) var top = 4
    @Flag(help: "Look between attention and MLP too.") var mid = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        guard top >= 0 else { throw ValidationError("--top must be 0 or more; received \(top)") }
    }

    func run(on console: Console) async throws {
        let places = pos.map { [$0] } ?? (global.json ? [] : [-1])
        let request = LogitLensRequest(
            source: try pass.source(of: try global.modelReference()), positions: places, withMid: mid, topCount: top)
        let reply = try await global.connect().logitLens(request)
        guard let prompt = reply.prompts.first else { throw LensError(.internal, "a lens of one prompt answered none") }
        let texts = Dictionary(reply.vocabulary.map { ($0.id, $0.text) }, uniquingKeysWith: { first, _ in first })
        console.answer(json(reply, prompt, texts)) { terminal in lines(reply, prompt, texts, on: terminal) }
    }

    private func json(_ reply: LogitLensReply, _ prompt: PromptLens, _ texts: [Int32: String]) -> JSON {
        let places = [reply.points.count, prompt.positions.count]
        let ranked = places + [reply.topCount]
        return .object(
            JSON.stamp(
                model: reply.model, form: reply.form, fingerprint: reply.fingerprint, tokens: prompt.tokens)
                + [
                    ("points", .array(reply.points.map(JSON.string))),
                    ("positions", JSON.integers(prompt.positions)),
                    ("top_ids", .tensor(prompt.topTokens.map { Float($0) }, shape: ranked, isInteger: true)),
                    ("top_logprobs", .tensor(prompt.topLogprobs, shape: ranked)),
                    ("texts", .object(reply.vocabulary.map { (String($0.id), .string($0.text)) })),
                    ("entropy", .tensor(prompt.entropies, shape: places)),
                    ("divergence", .tensor(prompt.divergences, shape: places)),
                    ("next_logprob", .tensor(prompt.nextLogprobs, shape: places)),
                    ("next_rank", .tensor(prompt.nextRanks.map { Float($0) }, shape: places, isInteger: true)),
                ])
    }

    private func lines(
        _ reply: LogitLensReply, _ prompt: PromptLens, _ texts: [Int32: String], on terminal: Terminal
    ) -> [StyledText] {
        guard let position = prompt.positions.first else { return [] }
        var table = TextTable(
            columns: [
                TextTable.Column("stream"), TextTable.Column("entropy", .right), TextTable.Column("KL", .right),
                TextTable.Column("rank", .right), TextTable.Column("likeliest"),
            ])
        for (point, name) in reply.points.enumerated() {
            let place = point * prompt.positions.count
            var likeliest = StyledText()
            for rank in 0..<reply.topCount {
                let likely = place * reply.topCount + rank
                let percent = DecimalText.fixed(100 * exp(Double(prompt.topLogprobs[likely])), 0)
                let text = terminal.visible(token: texts[prompt.topTokens[likely]] ?? "")
                likeliest.append(rank == 0 ? text : " " + text)
                likeliest.append(" \(percent)%", .faint)
            }
            let rank = prompt.nextRanks[place]
            table.rows.append([
                StyledText(name.replacing("blocks.", with: "").replacing("hook_", with: "")),
                StyledText(DecimalText.fixed(Double(prompt.entropies[place]), 2)),
                StyledText(DecimalText.fixed(Double(prompt.divergences[place]), 2)),
                StyledText(rank < 0 ? "" : String(rank)), likeliest,
            ])
        }
        let shown = prompt.tokens.indices.contains(position) ? prompt.tokens[position].text : ""
        return TokenStrip(prompt.tokens).lines(on: terminal)
            + ["", StyledText("after \(terminal.visible(token: shown)) (\(position))", .faint)] + table.lines()
    }
}
