import ArgumentParser
import LensCore
import LensReport
import LensTerminal

struct Attention: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Draw the attention patterns of all heads, or of one head large.",
        discussion: """
            In the terminal each head is a small map (rows: destinations, columns: sources); prompts that are too \
            long for it are grouped. --html writes one self-contained page with every head, to hover and click.

            Examples:
              lensctl attention "Once upon a time, there was a little girl."
              lensctl attention "The cat sat on the mat." --head 3
              lensctl attention --file story.txt --html page.html
              lensctl attention "The cat sat." --edit 'mask pattern0 head=3 source=0'

            Edits are written as 'lensctl run --help' says.
            """)

    @OptionGroup var input: PromptOptions
    @OptionGroup var edits: EditOptions
    @Option(
        parsing: .unconditional, help: ArgumentHelp("Only this layer; negative counts from the end.", valueName: "l"))
    var layer: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Only this head, large (of layer 0 unless --layer says).", valueName: "h"))
    var head: Int?
    @Option(help: ArgumentHelp("Write a page of all heads.", valueName: "file"))
    var html: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    /// More heads than this are not all drawn unless a layer is named.
    private static let mostHeads = 64

    func validate() throws {
        try input.validateIsGiven()
    }

    func run(on console: Console) async throws {
        let prompt = try input.prompt()
        let reference = try global.modelReference()
        let connection = try global.connect()
        let status = try await connection.status()
        let model = try await connection.describeModel(reference).model
        let chosen = try Choice(layer: layer, head: head, shape: model.configuration)
        let study = try await PatternStudy.of(
            prompt, model: model,
            request: RunRequest(
                model: reference, session: global.sessionName, prompts: [], interventions: try edits.words().specs(),
                topCount: html == nil ? 0 : 5,
                wantsPerTokenLoss: html != nil, isRecorded: false, wantsLoss: html != nil),
            layers: html == nil ? chosen.layer.map { [$0] } : nil, connection: connection)
        if let html { try OutputFile.write(try study.page(daemon: status.version).html(), to: html) }
        let shown = study.patterns.filter(chosen.includes)
        console.answer(json(study, shown)) { terminal in
            var lines = TokenStrip(study.result.tokens).lines(on: terminal) + [""]
            if chosen.head != nil {
                for pattern in shown {
                    lines += HeadHeatmap(pattern, tokens: study.result.tokens.map(\.text)).lines(on: terminal)
                }
            } else {
                let isTooMany = chosen.layer == nil && shown.count > Self.mostHeads
                let drawn = isTooMany ? shown.filter { $0.layer == 0 } : shown
                lines += HeadGrid(drawn, positions: study.positions).lines(on: terminal)
                if isTooMany {
                    lines.append(
                        StyledText("layer 0 of \(model.configuration.nLayers); --layer L shows another", .faint))
                }
            }
            if let html { lines += ["", StyledText("page: \(terminal.visible(line: html))")] }
            return lines
        }
    }

    private func json(_ study: PatternStudy, _ shown: [HeadPattern]) -> JSON {
        .object([
            ("schema", .integer(1)), ("model", .string(study.reply.modelName)),
            ("fingerprint", .string(study.reply.fingerprint)), ("tokens", .tokens(study.result.tokens)),
            (
                "heads",
                .array(
                    shown.map {
                        .object([
                            ("layer", .integer($0.layer)), ("head", .integer($0.head)),
                            ("pattern", .tensor($0.weights, shape: [study.positions, study.positions])),
                        ])
                    })
            ),
            ("html", html.map { .string($0) } ?? .null),
        ])
    }

    /// Which heads are shown, checked against the model.
    private struct Choice {
        let layer: Int?
        let head: Int?

        init(layer: Int?, head: Int?, shape: ModelConfiguration) throws(LensError) {
            self.layer = try Self.index(layer ?? (head == nil ? nil : 0), of: shape.nLayers, "layer")
            self.head = try Self.index(head, of: shape.nHeads, "head")
        }

        private static func index(_ index: Int?, of count: Int, _ name: String) throws(LensError) -> Int? {
            guard let index else { return nil }
            let resolved = index < 0 ? index &+ count : index
            guard (0..<count).contains(resolved) else { throw .outOfRange(name, index, 0..<count) }
            return resolved
        }

        func includes(_ pattern: HeadPattern) -> Bool {
            (layer == nil || layer == pattern.layer) && (head == nil || head == pattern.head)
        }
    }
}
