import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Heads: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say of every head what it does, with the evidence.",
        discussion: """
            Heads are called self, previous, distance k or first (token) from \(percent(HeadEvidence.share)) of \
            their attention on; duplicate and induction by what they do on random tokens that come twice, or in \
            the text; positional, semantic and contextual by how much of the pattern position alone explains and \
            what tokens explain of the rest; broad where attention is nearly even. A head may be of several kinds.

            Without a prompt or --corpus, 48 little stories that come with lensd are read: made for the embedded \
            model, plain English for any other. Each head is set to zero (or its mean) in turn for its change of \
            the loss, which takes longest; --kind none leaves that out.

            Examples:
              lensctl heads
              lensctl heads --head 14
              lensctl heads --corpus stories.txt --html atlas.html
              lensctl heads --kind none "The cat saw the dog. The cat ran."
            """)

    @OptionGroup var input: PromptOptions
    @Option(
        help: ArgumentHelp(
            "Prompts from a file, .txt or .jsonl, at most \(mostBytes >> 10) KiB of text; empty lines are skipped.",
            valueName: "file"))
    var corpus: String?
    @Option(help: ArgumentHelp("Only the first so many prompts of the file.", valueName: "count"))
    var limit: Int?
    @Option(help: "Set a head to zero, to its mean over the positions of the prompt, or ablate none.")
    var kind: Kind = .zero
    @Option(help: ArgumentHelp("Token pairs per head, at most \(HeadAtlasRequest.maximumPairs).", valueName: "count"))
    var pairs = 8
    @Option(help: ArgumentHelp("Show the evidence for this layer's heads.", valueName: "l"))
    var layer: Int?
    @Option(help: ArgumentHelp("Show the evidence for this head (of layer 0 unless --layer says).", valueName: "h"))
    var head: Int?
    @Option(help: ArgumentHelp("Write a page with a card per head.", valueName: "file"))
    var html: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case zero, mean, none

        var action: AblationKind? { AblationKind(rawValue: rawValue) }
    }

    /// Text of one request; its frame holds a MiB.
    private static let mostBytes = 960 << 10

    private static func percent(_ share: Double) -> String { "\(Int((100 * share).rounded())) %" }

    func validate() throws {
        guard corpus == nil || !input.isGiven else {
            throw ValidationError("the prompts come from one place; received --corpus and a prompt")
        }
        guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit must be positive") }
        guard limit == nil || corpus != nil else { throw ValidationError("--limit is for --corpus") }
        guard (0...HeadAtlasRequest.maximumPairs).contains(pairs) else {
            throw ValidationError("--pairs must be in 0...\(HeadAtlasRequest.maximumPairs); received \(pairs)")
        }
    }

    func run(on console: Console) async throws {
        let request = HeadAtlasRequest(
            model: try global.modelReference(), prompts: try prompts(), ablation: kind.action, pairCount: pairs,
            withPage: html != nil)
        let connection = try global.connect()
        let bars = Dictionary(
            uniqueKeysWithValues: HeadAtlasPhase.allCases.map { ($0, Progress(Self.title($0), on: console)) })
        var shown: HeadAtlasPhase?
        let (atlas, page) = try await connection.headAtlas(request) { phase, done, total in
            if let shown, shown != phase { bars[shown]?.finish() }
            shown = phase
            bars[phase]?.update(done: done, total: total)
        }
        if let shown { bars[shown]?.finish() }
        if let html { try OutputFile.write(String(decoding: page, as: UTF8.self), to: html) }
        let chosen = try chosen(from: atlas.heads)
        console.answer(HeadAtlasJSON.json(atlas, html: html)) { terminal in
            var lines = HeadAtlasText.title(atlas, on: terminal) + [""]
            if let chosen {
                for (index, head) in chosen.enumerated() {
                    lines += (index > 0 ? [""] : []) + HeadAtlasText.card(head, on: terminal)
                }
            } else {
                lines += HeadAtlasText.table(atlas, on: terminal)
            }
            if let html { lines += ["", StyledText("page: \(terminal.visible(line: html))")] }
            return lines
        }
    }

    private static func title(_ phase: HeadAtlasPhase) -> String {
        switch phase {
        case .patterns: "patterns"
        case .repeats: "repeated tokens"
        case .pairs: "token pairs"
        case .copying: "OV circuits"
        case .ablation: "ablating"
        }
    }

    /// None for the daemon's own stories.
    private func prompts() throws(LensError) -> [Prompt] {
        guard let corpus else { return input.isGiven ? [try input.prompt()] : [] }
        let file = try Corpus(at: corpus, prependBOS: !input.noBos)
        var prompts: [Prompt] = []
        var bytes = 0
        while prompts.count < limit ?? .max, let prompt = try file.next() {
            bytes += prompt.byteCount + 16
            guard bytes <= Self.mostBytes else {
                throw .invalidArgument(
                    "an atlas is made from at most \(Self.mostBytes >> 10) KiB of text; '\(corpus)' holds more: take "
                        + "its first \(prompts.count) prompts with --limit \(prompts.count)")
            }
            prompts.append(prompt)
        }
        guard !prompts.isEmpty else { throw file.isEmpty }
        return prompts
    }

    /// The heads whose evidence is asked for; `nil` where all heads make a table.
    private func chosen(from heads: [HeadProfile]) throws(LensError) -> [HeadProfile]? {
        guard layer != nil || head != nil else { return nil }
        let found = heads.filter {
            $0.scores.layer == layer ?? 0 && (head == nil || $0.scores.head == head)
        }
        guard !found.isEmpty else {
            throw .invalidArgument(
                "expected a head of the model, whose last is \(heads.last?.label ?? "none"); received layer "
                    + "\(layer ?? 0)\(head.map { ", head \($0)" } ?? "")")
        }
        return found
    }
}
