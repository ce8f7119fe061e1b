import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Attribute: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Direct logit attribution: what a logit is the sum of.",
        discussion: """
            Each part of the residual stream, through the final norm with the scale of this pass, gives its share of \
            the logit of --answer (minus that of --wrong). Without an answer it is the likeliest token. By layer, head \
            and neuron the shares sum to the logit; by accumulated each is the whole stream before a layer (with --mid \
            also before its MLP), so that the last and the bias are the logit.

            Examples:
              lensctl attribute "Tom gave it to" --answer " Lily" --wrong " Tom"
              lensctl attribute "Once upon a" --by head
              lensctl attribute "Once upon a" --by neuron --top 20 --json
              lensctl attribute "Once upon a" --by accumulated --mid
            """)

    @OptionGroup var pass: AnalysisOptions
    @Option(help: ArgumentHelp("The token whose logit is split.", valueName: "text")) var answer: String?
    @Option(help: ArgumentHelp("The token whose logit is taken off.", valueName: "text")) var wrong: String?
    @Option(help: "Split by layer, head or neuron; or the accumulated stream.") var by = By.layer
    @Flag(help: "Look at the accumulated stream between attention and MLP too.") var mid = false
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("The position, from the end where negative.", valueName: "position"))
    var pos = -1
    @Option(help: ArgumentHelp("How many heads or neurons to show.", valueName: "n")) var top = 20
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum By: String, ExpressibleByArgument, CaseIterable {
        case layer, head, neuron, accumulated

        var detail: AttributionDetail {
            switch self {
            case .layer: .layers
            case .head: .heads
            case .neuron: .neurons
            case .accumulated: .accumulated
            }
        }
    }

    func validate() throws {
        guard top > 0 else { throw ValidationError("--top must be 1 or more; received \(top)") }
        guard !mid || by == .accumulated else { throw ValidationError("--mid goes with --by accumulated") }
        guard wrong == nil || answer != nil else { throw ValidationError("--wrong goes with an --answer") }
    }

    func run(on console: Console) async throws {
        let model = try global.modelReference()
        var request = AttributionRequest(
            source: try pass.source(of: model), positions: [pos], detail: by.detail,
            topCount: by == .neuron ? top : 0, withMid: mid)
        let connection = try global.connect()
        if let answer { request.tokens = [try await connection.singleToken(answer, model: model)] }
        if let wrong { request.wrongTokens = [try await connection.singleToken(wrong, model: model)] }
        let reply = try await connection.attribute(request)
        guard let prompt = reply.prompts.first, let answer = prompt.answers.first else {
            throw LensError(.internal, "an attribution of one prompt answered none")
        }
        console.answer(json(reply, prompt, answer)) { terminal in lines(reply, prompt, answer, on: terminal) }
    }

    private func json(_ reply: AttributionReply, _ prompt: PromptAttribution, _ answer: Token) -> JSON {
        .object(
            JSON.stamp(
                model: reply.model, form: reply.form, fingerprint: reply.fingerprint, tokens: prompt.tokens)
                + [
                    ("position", .integer(prompt.positions.first ?? 0)), ("answer", JSON.tokens([answer])),
                    ("wrong", JSON.tokens(prompt.wrong)), ("total", .float(prompt.totals.first ?? .nan)),
                    ("by", .string(by.rawValue)),
                    ("components", .array(reply.components.map { .string($0.label) })),
                    ("terms", .array(prompt.terms.map { .float($0) })),
                    (
                        "neurons",
                        .array(
                            prompt.neurons.map {
                                .object([
                                    ("layer", .integer($0.layer)), ("neuron", .integer($0.neuron)),
                                    ("value", .float($0.value)),
                                ])
                            })
                    ),
                ])
    }

    private func lines(
        _ reply: AttributionReply, _ prompt: PromptAttribution, _ answer: Token, on terminal: Terminal
    ) -> [StyledText] {
        var title = StyledText("logit of \(terminal.visible(token: answer.text))", .faint)
        if let wrong = prompt.wrong.first { title.append(" minus \(terminal.visible(token: wrong.text))", .faint) }
        title.append(" at \(prompt.positions.first ?? 0)  ", .faint)
        title.append(DecimalText.signed(Double(prompt.totals.first ?? .nan), 4), .bold)
        var entries = zip(reply.components, prompt.terms).map { ($0.label, $1) }
        if by == .head, entries.count > top {
            entries.sort { abs($0.1) > abs($1.1) }
            let rest = entries.dropFirst(top).reduce(Float(0)) { $0 + $1.1 }
            entries = entries.prefix(top) + [("the others", rest)]
        }
        if by == .neuron { entries = prompt.neurons.map { ("L\($0.layer)N\($0.neuron)", $0.value) } }
        let bars = entries.map {
            SignedBarChart.Entry(label: $0.0, value: Double($0.1), standardError: .nan)
        }
        return TokenStrip(prompt.tokens).lines(on: terminal) + ["", title, ""]
            + SignedBarChart(bars, width: min(terminal.width, 80)).lines(on: terminal)
    }
}
