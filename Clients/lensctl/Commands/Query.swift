import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Query: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Read one activation of a run, whole or sliced.",
        discussion: """
            RUN is an id, a unique prefix of one, 'last', or SESSION:RUN, such as alice/ioi:last. HOOK is a name of TransformerLens or a short form, with \
            NumPy's basic indexing behind it, on the shape without batch: pattern0, resid_post-1, \
            'blocks.0.attn.hook_pattern[3, :, ::2]'. --head and --pos index by the axis's meaning. What is not at \
            hand any more is computed again from the run's recipe.

            In JSON, what is no finite number (the masked entries of attn_scores) is null.

            Examples:
              lensctl query last pattern0 --head 3
              lensctl query last 'resid_post0[-1, :8]' --json
              lensctl query last z0 --out z.npy
            """)

    @Argument(help: "The run: an id, a unique prefix of one, 'last', or SESSION:RUN.")
    var run: String
    @Argument(help: "The hook point, with a slice behind it where one is wanted.")
    var hook: String
    @Option(
        parsing: .unconditional, help: ArgumentHelp("Only this head; negative counts from the end.", valueName: "h"))
    var head: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "Only this position (of a pattern: destination); negative counts from the end.", valueName: "p"))
    var pos: Int?
    @Option(help: ArgumentHelp("Which prompt of a run of several, from 0.", valueName: "i"))
    var prompt = 0
    @Option(help: ArgumentHelp("Write the values to a file that numpy.load reads.", valueName: "f.npy"))
    var out: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func run(on console: Console) async throws {
        guard prompt >= 0, UInt32(exactly: prompt) != nil else {
            throw LensError.invalidArgument("--prompt counts from 0; received \(prompt)")
        }
        let connection = try global.connect()
        // Only to know which axis is which.
        let models = head == nil && pos == nil ? [] : try await connection.listModels().resident
        let wanted = try SlicedHook(
            parsing: hook, head: head, pos: pos, points: models.flatMap(\.configuration.hookPoints))
        let request = QueryRequest(source: .run(run), hook: wanted.hook, slice: wanted.slice, prompts: [prompt])
        let activation = try await connection.activation(request)
        if let out {
            let file = try NumpyFile(
                elementType: activation.header.elementType, shape: activation.header.shape, values: activation.bytes)
            try OutputFile.write(file.parts, to: out)
        }
        console.answer(json(activation)) { terminal in text(activation, on: terminal) }
    }

    private func json(_ activation: Activation) -> JSON {
        let header = activation.header
        var members: [(String, JSON)] = [
            ("schema", .integer(1)), ("run", .string(header.runID)), ("hook", .string(header.hook)),
            ("model", .string(header.model)), ("fingerprint", .string(header.fingerprint)),
            ("prompt", .integer(header.prompt)), ("dtype", .string(activation.numpyType)),
            ("shape", .integers(header.shape)), ("tokens", .tokens(header.tokens)),
        ]
        // The values are in the file, or here.
        if let out {
            members.append(("file", .string(out)))
        } else {
            let data = JSON.tensor(activation.values, shape: header.shape, isInteger: activation.isInteger)
            members.append(("data", data))
        }
        return .object(members)
    }

    private func text(_ activation: Activation, on terminal: Terminal) -> [StyledText] {
        let header = activation.header
        var title = StyledText(terminal.visible(line: header.hook), .bold)
        title.append("  \(activation.numpyType) \(header.shape)  \(terminal.visible(line: header.model))", .faint)
        if let out {
            return [title, StyledText("written to \(terminal.visible(line: out))")]
        }
        let summary = ArraySummary(activation.values, shape: header.shape, isInteger: activation.isInteger)
        guard let summary else { return [title] }
        return [title] + summary.lines(width: terminal.width).map { StyledText($0) } + [activation.statistics]
    }
}
