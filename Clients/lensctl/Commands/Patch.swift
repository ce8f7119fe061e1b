import ArgumentParser
import LensClient
import LensCore
import LensTerminal

struct Patch: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Put activations of one prompt into another's run, place by place.",
        discussion: """
            CORRUPTED is run; at each place in turn its activation is replaced by CLEAN's. What that does to a metric says \
            where the two runs differ in what matters. Both prompts have the same number of tokens.

            Examples:
              lensctl patch CLEAN CORRUPTED --answer " Lily" --wrong " Tom"
              lensctl patch CLEAN CORRUPTED --what z --by all --csv heads.csv
            """)

    @Argument(help: "The prompt that activations are taken from.") var clean: String
    @Argument(help: "The prompt that they are put into.") var corrupted: String
    @Option(
        help: "The activation: resid_pre, resid_mid, attn_out, mlp_out, z, q, k, v, pattern or another point's name.")
    var what = "resid_pre"
    @Option(help: "Position by position, all positions at once, or of a pattern entry by entry.")
    var by: Step?
    @OptionGroup var metric: MetricOptions
    @Flag(help: "Leave the beginning-of-sequence token out.") var noBos = false
    @Option(help: ArgumentHelp("Write a table of all places.", valueName: "file"))
    var csv: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Step: String, ExpressibleByArgument, CaseIterable {
        case pos, all, entry
    }

    func validate() throws { try metric.check() }

    func run(on console: Console) async throws {
        let model = try global.modelReference()
        let connection = try global.connect()
        let metric = try await metric.resolved(for: model, on: connection)
        let kinds = try HookKind.named(what)
        let source = Prompt.text(clean, prependBOS: !noBos)
        let edit = InterventionSpec(
            hook: what, layers: .every, action: .patch(.prompts([source]), prompt: 0, positions: nil))
        let sweep = SweepSpec(edits: [edit], axes: try axes(of: kinds), metrics: [metric])
        let reply = try await connection.sweep(
            AblationPrompts(.text(corrupted, prependBOS: !noBos)), model: model, session: global.sessionName,
            title: "patching", on: console
        ) { _ in sweep }
        let cleanValue = try await connection.unedited([metric], of: source, model: model)
        let text = try SweepText(reply)
        if let csv { try OutputFile.write(text.csv, to: csv) }
        console.answer(text.json.adding("clean", .number(cleanValue.first ?? .nan))) { terminal in
            var lines = TokenStrip(reply.tokens.first ?? []).lines(on: terminal) + [""]
            lines += text.lines(on: terminal)
            // A divergence is from the run's own unedited one: the clean prompt's would always be 0.
            if metric.kind != .divergence {
                let value = DecimalText.fixed(cleanValue.first ?? .nan, 4)
                lines += ["", StyledText("the clean prompt's \(metric.kind.rawValue) is \(value)", .faint)]
            }
            if let csv { lines.append(StyledText(terminal.visible(line: "table: \(csv)"))) }
            return lines
        }
    }

    private func axes(of kind: HookKind) throws -> [SweepAxis] {
        let hasHeads = kind.axes.contains { $0 == .head || $0 == .keyHead }
        let isSquare = kind.axes.contains(.sourcePos)
        guard by != .entry || isSquare else {
            throw ValidationError("--by entry is for attention patterns and scores; \(what) is neither")
        }
        switch by ?? (hasHeads ? .all : .pos) {
        case .all: return hasHeads ? [.layer, .head] : [.layer]
        case .pos: return hasHeads ? [.layer, .head, .position] : [.layer, .position]
        case .entry: return [.layer, .head, .position, .source]
        }
    }
}

extension HookKind {
    /// The kind that a short name without a layer means.
    ///
    /// - Throws: a usage error for a name of none.
    fileprivate static func named(_ name: String) throws -> HookKind {
        let points = allCases.filter(\.isPerLayer).map { HookPoint($0, layer: 0) }
        guard !name.isEmpty, let point = try? HookPoint.named(name, layer: 0, among: points) else {
            throw ValidationError("--what is a point of a block, such as resid_pre, z or pattern; received '\(name)'")
        }
        return point.kind
    }
}

extension LensConnection {
    /// Metrics of a run without edits.
    func unedited(_ metrics: [Metric], of prompt: Prompt, model: ModelReference) async throws -> [Double] {
        // A sweep compares with the unedited run: one place is enough, and an edit that changes nothing.
        let nothing = InterventionSpec(hook: "hook_embed", action: .scale(1))
        let reply = try await sweep(
            SweepRequest(
                model: model, prompts: [prompt], sweep: SweepSpec(edits: [nothing], axes: [], metrics: metrics),
                isRecorded: false))
        return reply.metrics.map(\.baseline)
    }
}
