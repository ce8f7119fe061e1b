import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Activation patching against TransformerLens's `patching` module, path patching against plain hooks.
@Suite struct PatchingTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let function: String
        let hook: String
        let axes: [SweepAxis]
        var testDescription: String { function }

        init(_ function: String, _ hook: String, _ axes: [SweepAxis]) {
            self.function = function
            self.hook = hook
            self.axes = axes
        }
    }

    static let cases = [
        Case("resid_pre", "resid_pre", [.layer, .position]), Case("resid_mid", "resid_mid", [.layer, .position]),
        Case("attn_out", "attn_out", [.layer, .position]), Case("mlp_out", "mlp_out", [.layer, .position]),
        Case("attn_head_out_by_pos", "z", [.layer, .position, .head]),
        Case("attn_head_q_by_pos", "q", [.layer, .position, .head]),
        Case("attn_head_k_by_pos", "k", [.layer, .position, .head]),
        Case("attn_head_v_by_pos", "v", [.layer, .position, .head]),
        Case("attn_head_pattern_by_pos", "pattern", [.layer, .head, .position]),
        Case("attn_head_pattern_dest_src_pos", "pattern", [.layer, .head, .position, .source]),
        Case("attn_head_out_all_pos", "z", [.layer, .head]), Case("attn_head_q_all_pos", "q", [.layer, .head]),
        Case("attn_head_k_all_pos", "k", [.layer, .head]), Case("attn_head_v_all_pos", "v", [.layer, .head]),
        Case("attn_head_pattern_all_pos", "pattern", [.layer, .head]),
    ]

    private let fixture: EngineFixture
    private let given: ReferenceTensors
    private let clean: [Prompt]
    private let corrupted: [Prompt]
    private let metrics: [Metric]

    init() throws {
        fixture = try EngineFixture("gpt-neo-3l-local")
        given = try ReferenceTensors(path: Fixtures.path("patching/reference.safetensors"))
        clean = try Self.prompts("clean", given)
        corrupted = try Self.prompts("corrupted", given)
        let (answers, wrong) = (try given.tokens("answers"), try given.tokens("wrong"))
        metrics = [
            .loss, Metric(.logit, tokens: answers, positions: [3]),
            Metric(.logitDifference, tokens: answers, wrongTokens: wrong), Metric(.probability, tokens: answers),
            Metric(.divergence, positions: [-1]), Metric(.divergence),
        ]
    }

    private static func prompts(_ name: String, _ given: ReferenceTensors) throws -> [Prompt] {
        let ids = try given.tokens(name)
        let length = try given.shape(name)[1]
        return stride(from: 0, to: ids.count, by: length).map { .tokens(Array(ids[$0..<$0 + length])) }
    }

    @Test(arguments: cases, [ModelReference.Form.processed, .raw])
    func activationPatching(_ test: Case, _ form: ModelReference.Form) async throws {
        let patch = InterventionSpec(hook: test.hook, action: .patch(.prompts(clean), prompt: nil, positions: nil))
        let reply = try await fixture.sweep(
            SweepSpec(edits: [patch], axes: test.axes, metrics: metrics), of: try fixture.recipe(corrupted, form: form))
        let name = "\(form.rawValue)/\(test.function)"
        #expect(reply.shape == Array(try given.shape(name).dropLast(2)))
        try expect(reply, name)
        try expectBaseline(reply, "\(form.rawValue)/corrupted/baseline")
    }

    static let paths: [(name: String, receivers: [(hook: String, head: Int)])] = [
        ("q", [("q2", 1), ("q2", 3)]), ("k", [("k1", 0), ("k2", 2)]), ("v", [("v2", 0)]), ("logits", []),
    ]

    @Test(arguments: paths.indices, [false, true])
    func pathPatching(_ index: Int, holdsMLPs: Bool) async throws {
        let path = Self.paths[index]
        let send = InterventionSpec(hook: "z", action: .patch(.prompts(corrupted), prompt: nil, positions: nil))
        let spec = SweepSpec(
            edits: [send], axes: [.layer, .head], metrics: metrics,
            path: SweepSpec.Path(
                receivers: path.receivers.map {
                    SweepSpec.Receiver(hook: $0.hook, selection: Selection(heads: .index($0.head)))
                }, holdsMLPs: holdsMLPs))
        for form in [ModelReference.Form.processed, .raw] {
            let reply = try await fixture.sweep(spec, of: try fixture.recipe(clean, form: form))
            try expect(reply, "\(form.rawValue)/path/\(path.name)\(holdsMLPs ? "/held_mlps" : "")")
            try expectBaseline(reply, "\(form.rawValue)/clean/baseline")
        }
    }

    /// `[…, metric, prompt]`
    private func expect(_ reply: SweepReply, _ name: String) throws {
        let expected = try given.floats(name)
        let (count, width) = (metrics.count, clean.count)
        #expect(expected.count == reply.shape.reduce(1, *) * count * width)
        for (index, metric) in reply.metrics.enumerated() {
            let own = stride(from: 0, to: expected.count, by: count * width).flatMap {
                expected[$0 + index * width..<$0 + (index + 1) * width]
            }
            #expect(excess(metric.columns.map { Float($0) }, over: Array(own)) <= 0, "\(metric.metric.kind)")
        }
    }

    private func expectBaseline(_ reply: SweepReply, _ name: String) throws {
        let expected = try given.floats(name)
        let found = reply.metrics.flatMap { $0.baselines.map { Float($0) } }
        #expect(excess(found, over: expected) <= 0)
    }
}
