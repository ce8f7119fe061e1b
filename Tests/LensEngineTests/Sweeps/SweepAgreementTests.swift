import Glibc
import LensCore
import LensEngine
import LensTestSupport
import Testing

/// A sweep shares work; a loop of single edited runs does not. Both must say the same, for every metric.
@Suite struct SweepAgreementTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        var edits: [InterventionSpec]
        var axes: [SweepAxis]
        var isPaired = false
        var under: [InterventionSpec] = []
        var testDescription: String { name }

        init(
            _ name: String, _ edits: [InterventionSpec], _ axes: [SweepAxis], isPaired: Bool = false,
            under: [InterventionSpec] = []
        ) {
            self.name = name
            self.edits = edits
            self.axes = axes
            self.isPaired = isPaired
            self.under = under
        }
    }

    static let other: [Prompt] = [.tokens([0, 9, 33, 7, 101, 44, 250]), .tokens([0, 61, 3, 3, 180, 12, 77])]
    static let longer: [Prompt] = [.tokens([0, 9, 33, 7, 101, 44, 250, 19, 8])]
    static let metrics = [
        Metric.loss, Metric(.tokenLoss), Metric(.logit, tokens: [11], positions: [-3]),
        Metric(.logitDifference, tokens: [5, 90], wrongTokens: [44, 2]),
        Metric(.probability, tokens: [17], positions: [2]),
        Metric(.divergence), Metric(.divergence, positions: [0, -1]),
    ]

    static func edit(
        _ hook: String, _ action: InterventionSpec.Action, layers: Indices? = nil, _ selection: Selection = .all
    ) -> InterventionSpec {
        InterventionSpec(hook: hook, layers: layers, action: action, selection: selection)
    }

    static func patch(_ positions: Indices? = nil, from prompts: [Prompt] = other) -> InterventionSpec.Action {
        .patch(.prompts(prompts), prompt: prompts.count == 1 ? 0 : nil, positions: positions)
    }

    static let cases: [Case] = {
        guard let half = try? Operand(0.5), let row = try? Operand(shape: [32], values: (0..<32).map { Float($0) / 9 })
        else { return [] }
        return [
            Case("heads", [edit("z", .zero)], [.layer, .head]),
            Case("heads' queries", [edit("q", patch())], [.head, .layer]),
            Case("heads' inputs", [edit("k_input", patch(), layers: .list([2, 0]))], [.layer, .head]),
            Case("heads' results", [edit("result", .project(row), layers: .list([1]))], [.layer, .head]),
            Case("patterns", [edit("pattern", .mean)], [.layer, .head]),
            Case("pattern entries", [edit("pattern", .zero, layers: .index(1))], [.head, .position, .source]),
            Case("sources", [edit("attn_scores", .mask, Selection(positions: .index(-1)))], [.layer, .source]),
            Case("MLPs", [edit("mlp_out", .meanOf(.prompts(longer)))], [.layer]),
            Case("layers", [edit("attn_out", .zero), edit("mlp_out", .zero)], [.layer]),
            Case(
                "neurons",
                [
                    edit(
                        "post", .set(half), layers: .list([1]),
                        Selection(components: .range(start: 3, stop: nil, step: 19)))
                ],
                [.layer, .component]),
            Case("positions", [edit("resid_pre", .add(row))], [.layer, .position]),
            Case("tokens", [edit("tokens", patch())], [.position]),
            Case("embeddings", [edit("embed", .scale(-1), Selection(positions: .list([-1, 2])))], [.position]),
            Case("the end", [edit("normalized", .zero)], [.position]),
            Case(
                "logits", [edit("logits", .scale(2), Selection(components: .list([5, 44, 11, 17])))],
                [.component]),
            Case(
                "mapped positions",
                [edit("resid_mid", patch(.list([8, 1]), from: longer), Selection(positions: .list([3, -1])))],
                [.layer, .position]),
            Case("means", [edit("z", .meanOf(.prompts(longer)))], [.layer, .head]),
            Case(
                "pairs of heads", [edit("z", .zero, layers: .list([0, 2]), Selection(heads: .list([3, 0, 1])))],
                [.layer, .head], isPaired: true),
            Case(
                "pairs of patches", [edit("attn_out", patch())], [.layer], isPaired: true,
                under: [edit("z2", .zero, Selection(heads: .index(0)))]),
            Case(
                "under edits", [edit("z", .mean)], [.layer, .head],
                under: [edit("mlp_out1", .scale(0.5)), edit("z1", .add(half), Selection(heads: .list([2])))]),
            Case("a single variant", [edit("z1", .zero), edit("mlp_out2", .mean)], []),
        ]
    }()

    @Test(arguments: cases)
    func aSweepIsALoopOfRuns(_ test: Case) async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let prompts: [Prompt] = [.tokens(try fixture.tokens("seq7")), .tokens([0, 4, 90, 4, 200, 31, 5])]
        let base = try fixture.recipe(prompts, test.under)
        let spec = SweepSpec(edits: test.edits, axes: test.axes, isPaired: test.isPaired, metrics: Self.metrics)
        let reply = try await fixture.sweep(spec, of: base)
        let plain = try await readings(of: base, fixture, nil)
        let count = reply.shape.reduce(1, *)
        #expect(count > 0)
        for (index, metric) in reply.metrics.enumerated() {
            #expect(metric.values.count == count && metric.standardErrors.count == count)
            #expect(distance(metric.baselines, plain.columns[index]) <= 2e-5, "baseline of \(metric.metric.kind)")
        }
        var isEffective = false
        for variant in 0..<count {
            var edits = test.under
            for place in places(of: variant, reply) { edits += test.edits.map { self.edit($0, at: place, reply.axes) } }
            let run = try await readings(of: fixture.recipe(prompts, edits), fixture, plain.logits)
            for (index, metric) in reply.metrics.enumerated() {
                let width = metric.baselines.count
                let found = Array(metric.columns[variant * width..<(variant + 1) * width])
                #expect(
                    distance(found, run.columns[index]) <= 3e-5, "\(metric.metric.kind) of variant \(variant)")
                isEffective = isEffective || distance(found, metric.baselines) > 1e-3
                let isLoss = metric.metric.kind == .loss
                let (samples, plain) =
                    isLoss ? (run.columns[1], plain.columns[1]) : (run.columns[index], metric.baselines)
                #expect(abs(metric.values[variant] - mean(samples)) <= 3e-5)
                #expect(abs(metric.standardErrors[variant] - error(zip(samples, plain).map { $0 - $1 })) <= 3e-5)
            }
        }
        #expect(isEffective, "the sweep does nothing")
    }

    // MARK: - The loop

    private func places(of variant: Int, _ reply: SweepReply) -> [Int] {
        let sizes = reply.axes.map(\.entries.count)
        let count = sizes.reduce(1, *)
        guard reply.isPaired else { return [variant] }
        let pair = [variant / count, variant % count].sorted()
        return pair[0] == pair[1] ? [pair[0]] : pair
    }

    private func edit(_ template: InterventionSpec, at place: Int, _ axes: [SweepReply.Axis]) -> InterventionSpec {
        var edit = template
        var rest = place
        for axis in axes.reversed() {
            let entry = axis.entries[rest % axis.entries.count]
            let number = rest % axis.entries.count
            rest /= axis.entries.count
            if axis.axis == .layer {
                edit.layers = .index(entry)
            } else {
                edit.selection[axis.axis] = .index(entry)
            }
            if axis.axis == .position, case .patch(let source, let prompt, .list(let list)?) = edit.action {
                edit.action = .patch(source, prompt: prompt, positions: .index(list[number]))
            }
        }
        return edit
    }

    /// Every metric's columns, computed from the logits in float64, and the logits, prompt by prompt.
    private func readings(
        of recipe: Recipe, _ fixture: EngineFixture, _ plain: [[Double]]?
    ) async throws -> (columns: [[Double]], logits: [[Double]]) {
        let run = try await fixture.run(recipe)
        let query = try await fixture.query(recipe, "logits")
        let vocab = query.shapes[0][1]
        var logits: [[Double]] = []
        var next = 0
        for shape in query.shapes {
            let count = shape[0] * vocab
            let values = query.values[next..<next + count].map { Double($0) }
            logits.append(values)
            next += count
        }
        let columns = Self.metrics.map { metric in
            logits.indices.flatMap { prompt -> [Double] in
                let own = logits[prompt]
                let length = own.count / vocab
                func row(_ position: Int, _ values: [Double]) -> [Double] {
                    let position = position < 0 ? position + length : position
                    return Array(values[position * vocab..<(position + 1) * vocab])
                }
                func pick<Element>(_ list: [Element]) -> Element { list[list.count == 1 ? 0 : prompt] }
                func token(_ list: [Int32]) -> Int { Int(pick(list)) }
                let position = metric.positions.isEmpty ? -1 : pick(metric.positions)
                switch metric.kind {
                case .loss: return [run.prompts[prompt].loss]
                case .tokenLoss: return run.prompts[prompt].perTokenLoss.map { Double($0) }
                case .logit: return [row(position, own)[token(metric.tokens)]]
                case .logitDifference:
                    return [row(position, own)[token(metric.tokens)] - row(position, own)[token(metric.wrongTokens)]]
                case .probability:
                    let values = row(position, own)
                    return [exp(values[token(metric.tokens)] - logSum(values))]
                case .divergence:
                    let positions = metric.positions.isEmpty ? Array(0..<length) : [position]
                    let other = plain?[prompt] ?? own
                    return [mean(positions.map { divergence(row($0, other), row($0, own)) })]
                }
            }
        }
        return (columns, logits)
    }

    private func logSum(_ values: [Double]) -> Double { log(values.reduce(0) { $0 + exp($1) }) }

    private func divergence(_ p: [Double], _ q: [Double]) -> Double {
        let (pSum, qSum) = (logSum(p), logSum(q))
        return zip(p, q).reduce(0) { $0 + exp($1.0 - pSum) * (($1.0 - pSum) - ($1.1 - qSum)) }
    }

    private func mean(_ values: [Double]) -> Double { values.reduce(0, +) / Double(values.count) }

    private func error(_ values: [Double]) -> Double {
        let mean = mean(values)
        let squares = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(values.count - 1) / Double(values.count)).squareRoot()
    }

    private func distance(_ found: [Double], _ expected: [Double]) -> Double {
        guard found.count == expected.count else { return .infinity }
        return zip(found, expected).reduce(0) {
            $1.0 == $1.1 ? $0 : max($0, abs($1.0 - $1.1).isNaN ? .infinity : abs($1.0 - $1.1) / max(1, abs($1.1)))
        }
    }
}
