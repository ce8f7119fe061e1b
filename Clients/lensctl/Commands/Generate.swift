import ArgumentParser
import Glibc
import LensCore
import LensTerminal

struct Generate: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Continue a prompt, token by token.",
        discussion: """
            The prompt and its continuation go to standard output as they come; how it ended goes to standard error. \
            The run's activations are those that were there while the tokens were generated: query it as any run.

            A token is drawn from the model's distribution at the given temperature, from the k likeliest tokens and \
            of these from the likeliest that together exceed the probability p. Temperature 0 takes the likeliest. \
            The same seed gives the same text on the same build. A stop string ends the text and is left out of it.

            Examples:
              lensctl generate "Once upon a time" -n 100
              lensctl generate "Once upon a time" --temperature 0 --stop .
              lensctl generate --file story.txt --top-k 50 --top-p 0.95 --seed 7 --json
              lensctl generate "Once upon a time" --edit 'zero z0 head=8'
              lensctl query last pattern0 --head 3

            Edits hold for every new token, so that positions count from the front, and means over positions are \
            refused. \(EditOptions.syntax)
            """)

    @OptionGroup var input: PromptOptions
    @OptionGroup var edits: EditOptions
    @Option(
        name: [.short, .long], parsing: .unconditional,
        help: ArgumentHelp("The most tokens to add; the context may end before.", valueName: "n"))
    var newTokens = 50
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Higher is more random; 0 takes the likeliest token.", valueName: "t"))
    var temperature = 1.0
    @Option(parsing: .unconditional, help: ArgumentHelp("Choose among the k likeliest tokens only.", valueName: "k"))
    var topK: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Choose among the likeliest tokens that together exceed p, up to 1.", valueName: "p"))
    var topP: Double?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Taken off a token's logit for each time it has come.", valueName: "x"))
    var freqPenalty = 0.0
    @Option(parsing: .unconditional, help: ArgumentHelp("Start of the random numbers.", valueName: "s"))
    var seed: Int?
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Stop where this text comes; may be given several times.", valueName: "text"))
    var stop: [String] = []
    @Flag(help: "Go on behind an end-of-sequence token.")
    var ignoreEos = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        try input.validateIsGiven()
        guard newTokens >= 1 else { throw ValidationError("--new-tokens must be 1 or more; received \(newTokens)") }
        guard temperature >= 0, temperature.isFinite else {
            throw ValidationError("--temperature must be 0 or more; received \(temperature)")
        }
        if let topK, topK < 1 { throw ValidationError("--top-k must be 1 or more; received \(topK)") }
        if let topP, !(topP > 0 && topP <= 1) {
            throw ValidationError("--top-p must be above 0 and at most 1; received \(topP)")
        }
        guard freqPenalty >= 0, freqPenalty.isFinite else {
            throw ValidationError("--freq-penalty must be 0 or more; received \(freqPenalty)")
        }
        if let seed, seed < 0 { throw ValidationError("--seed must be 0 or more; received \(seed)") }
        if stop.contains("") { throw ValidationError("--stop needs at least one character") }
    }

    func run(on console: Console) async throws {
        let prompt = try input.prompt()
        let edits = try edits.words()
        let request = GenerateRequest(
            model: try global.modelReference(), session: global.sessionName, prompts: [prompt],
            interventions: try edits.specs(),
            options: GenerationOptions(
                maxNewTokens: newTokens, temperature: temperature, topK: topK, topP: topP,
                frequencyPenalty: freqPenalty, seed: seed.map { UInt64($0) }, stopsAtEOS: !ignoreEos,
                stopStrings: stop))
        let connection = try global.connect()
        let page = GeneratedPage(on: console)
        defer { page.end() }
        if case .text(let text, _) = prompt {
            page.write(text)
        } else {
            let tokens = try await connection.tokenize(TokenizeRequest(model: request.model, prompts: [prompt]))
            page.write(tokens.texts.joined())
        }
        let reply = try await connection.generate(request) { news in for new in news { page.write(new.text) } }
        guard let result = reply.prompts.first else {
            throw LensError(.internal, "a generation of one prompt answered none")
        }
        page.end()
        if console.isJSON { return console.answer(json(reply, result)) { _ in [] } }
        console.remark(summary(reply, result))
    }

    private func json(_ reply: GenerateReply, _ result: Generation) -> JSON {
        .object([
            ("schema", .integer(1)), ("run", .string(reply.runID)), ("model", .string(reply.modelName)),
            ("fingerprint", .string(reply.fingerprint)), ("text", .string(result.text)),
            ("finish_reason", .string(result.finishReason.rawValue)), ("mean_logprob", .number(result.meanLogprob)),
            ("seed", reply.options.seed.map { .integer(Int(clamping: $0)) } ?? .null),
            ("prompt_tokens", .integer(result.promptLength)), ("tokens", JSON.tokens(result.tokens)),
            ("logprobs", .array(result.logprobs.map(JSON.float))),
        ])
    }

    private func summary(_ reply: GenerateReply, _ result: Generation) -> String {
        let reason =
            switch result.finishReason {
            case .eos: "ended by an end-of-sequence token"
            case .stop: "stopped at a stop string"
            case .length: "as many as asked for"
            case .context: "the context is full"
            }
        let count = result.logprobs.count
        var words = ["\(count) \(count == 1 ? "token" : "tokens")", reason]
        if count > 0 { words.append("mean logprob \(DecimalText.fixed(result.meanLogprob, 3))") }
        if temperature > 0, let seed = reply.options.seed { words.append("seed \(seed)") }
        words.append("run \(reply.runID.prefix(12))")
        return words.joined(separator: ", ")
    }
}

extension GenerateReply {
    /// `NAME` or `NAME@raw`.
    fileprivate var modelName: String { ModelReference(name: model, form: form).description }
}

/// Running text on standard output, written as it comes; nothing in JSON.
///
/// On a terminal everything but line breaks is made visible, as everywhere; a file or pipe gets the text as it is.
private final class GeneratedPage {
    private let console: Console
    private let isTerminal = isatty(STDOUT_FILENO) == 1
    /// Whether the last line still lacks its end.
    private var isOpen = false

    init(on console: Console) { self.console = console }

    func write(_ text: String) {
        guard !console.isJSON, !text.isEmpty else { return }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        console.write(isTerminal ? lines.map(console.terminal.visible(line:)).joined(separator: "\n") : text)
        isOpen = text.utf8.last != UInt8(ascii: "\n")
    }

    /// What was printed stays, also where the call failed or was cancelled.
    func end() {
        if isOpen { console.write("\n") }
        isOpen = false
    }
}
