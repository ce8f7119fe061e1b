import FoundationEssentials
import LensCore
import LensTestSupport
import Testing

@Suite struct HookPointTests {
    /// Twelve layers, so that short forms with two digits have a point to mean.
    let points = ModelConfiguration(
        originalArchitecture: "GPTNeoForCausalLM", nLayers: 12, nHeads: 2, dModel: 4, dHead: 2, dMLP: 8, nCtx: 16,
        dVocab: 32
    ).hookPoints

    func named(_ name: String) -> String? {
        try? HookPoint.named(name, among: points).name
    }

    /// Short forms as strings, against TransformerLens's own `get_act_name` (the Python client's table).
    @Test func shortFormsMeanWhatTransformerLensSays() throws {
        struct Row: Decodable {
            let arguments: [String]
            let name: String?

            init(from decoder: any Decoder) throws {
                var row = try decoder.unkeyedContainer()
                arguments = (try? row.decode([String].self)) ?? []
                // Rows with a layer as a number are the Python client's.
                if arguments.isEmpty {
                    name = nil
                } else {
                    name = try row.decode(String?.self)
                }
            }
        }
        let bytes = try Fixtures.bytes("../../Clients/python/tests/get_act_name.json")
        let rows = try JSONDecoder().decode([Row].self, from: Data(bytes))
        let names = Set(points.map(\.name))
        var compared = 0
        for row in rows where row.arguments.count == 1 {
            guard let expected = row.name, names.contains(expected) else { continue }
            #expect(named(row.arguments[0]) == expected, "\(row.arguments[0])")
            compared += 1
        }
        #expect(compared > 30)
    }

    @Test func namesOfEveryPointMeanThatPoint() {
        for point in points { #expect(named(point.name) == point.name) }
        #expect(Set(points.map(\.name)).count == points.count)
        #expect(points == points.sorted())
    }

    @Test func layersCountFromTheEndAndOtherSpellingsAreKnown() {
        #expect(named("resid_post-1") == "blocks.11.hook_resid_post")
        #expect(named("pattern-12") == "blocks.0.attn.hook_pattern")
        #expect(named("blocks.3.hook_in") == "blocks.3.hook_resid_pre")
        #expect(named("blocks.3.mlp.hook_out") == "blocks.3.hook_mlp_out")
        #expect(named("embed.hook_out") == "hook_embed")
        #expect(named("normalized") == "ln_final.hook_normalized")
        #expect(named("scale4ln1") == "blocks.4.ln1.hook_scale")
        #expect(named("resid_pre0") == "blocks.0.hook_resid_pre")
    }

    @Test(arguments: [
        "", "q", "q12", "pattern-13", "scale4", "scale4ln3", "blocks.0.hook_embed", "hook_q", "blocks.x.attn.hook_q",
        "blocks.99999999999999999999.attn.hook_q", "q99999999999999999999", "resid_pre0mlp", "0", "-1", "q٣", "\u{0}",
    ])
    func otherNamesAreRefusedWithNearOnes(name: String) {
        let error = #expect(throws: LensError.self) { try HookPoint.named(name, among: points) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("near names: ") == true)
    }

    @Test func nearNamesAreNear() {
        let error = #expect(throws: LensError.self) { try HookPoint.named("blocks.0.attn.hook_patern", among: points) }
        #expect(error?.message.contains("blocks.0.attn.hook_pattern,") == true)
        let short = #expect(throws: LensError.self) { try HookPoint.named("patern0", among: points) }
        #expect(short?.message.contains("blocks.0.attn.hook_pattern,") == true)
    }
}
