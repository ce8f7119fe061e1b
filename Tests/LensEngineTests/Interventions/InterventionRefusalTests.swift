import LensCore
import LensEngine
import LensTestSupport
import Testing

/// Edits that cannot apply: each is an error that says what was expected and what came.
@Suite struct InterventionRefusalTests {
    let fixture: EngineFixture
    private let cases: EditCases

    init() throws {
        fixture = try EngineFixture("gpt-neo-3l-local")
        cases = try EditCases("gpt-neo-3l-local", vocabulary: 280)
    }

    /// What is said of edits of a run, by default of one prompt of seven tokens.
    private func refusal(
        _ edits: [String], of prompts: [String] = ["seq7"], runs: [String: Recipe] = [:]
    ) -> LensError? {
        do {
            _ = try fixture.recipe(.processed, prompts, edits, in: cases, runs: runs)
            return nil
        } catch {
            return error as? LensError
        }
    }

    @Test(arguments: [
        ("zero z0 head=4", "zero at blocks.0.attn.hook_z: head must be in 0...3; received 4"),
        ("zero z0 pos=7", "position must be in 0...6; received 7"),
        ("zero z0 component=8", "component must be in 0...7; received 8"),
        ("zero pattern0 source=-8", "source position must be in 0...6; received -8"),
        ("zero z0 pos=7:", "position 7: chooses none of 7"),
        ("zero z0 prompt=1", "prompt must be in 0...0; received 1"),
        ("zero resid_pre0 head=0", "hook_resid_pre has no heads; points with heads: "),
        ("zero z0 source=0", "no source positions; points with source positions: attn.hook_attn_scores"),
        ("zero pattern0 component=0", "attn.hook_pattern has no components"),
        ("mean scale component=0", "ln_final.hook_scale has no components"),
        ("zero hook_embed layer=0", "layers are given twice"), ("zero z0 layer=0", "layers are given twice"),
        ("zero z layer=3", "layer must be in 0...2; received 3"),
        ("set z0 v1_3", "must broadcast to the selected part's shape [7, 4, 8]; received shape [3]"),
        ("set z0 v1_7x8 pos=0", "selected part's shape [4, 8]; received shape [7, 8]"),
        ("add z0 v1_1x1x1x8", "received shape [1, 1, 1, 8]"), ("set z0 v1_1 head=0 pos=0 component=0", "shape []"),
        ("set z0 inf", "takes finite numbers; received inf"), ("add attn_scores0 inf", "finite numbers or -inf"),
        ("set tokens 280", "token ids in 0...279; received 280"), ("set tokens 0.5", "token ids"),
        ("set tokens -1", "token ids"), ("zero tokens", "can be set, patched and swapped; received 'zero'"),
        ("set scale0ln1 0", "finite numbers that are not 0"), ("zero scale", "cannot become zero"),
        ("scale scale0ln2 0", "cannot become zero"), ("project scale v1_1", "cannot become zero"),
        ("scale attn_scores0 0", "a number above 0"), ("mean attn_scores0", "masked scores are -inf"),
        ("project attn_scores0 v1_7", "masked scores are -inf"),
        ("mean pattern0 over=corpus", "no mean over other prompts"),
        ("mask z0", "cannot be masked"), ("project z0 v1_7", "a direction has shape [8]; received [7]"),
        ("project z0 v1_8 component=:4", "spans the whole innermost axis"),
        ("project pattern0 v1_7 source=0", "spans the whole innermost axis"),
        ("swap z0 with=1", "prompt must be in 0...0; received 1"),
        ("swap z0 with=0 prompt=0", "names the one prompt that is exchanged with prompt 0"),
    ])
    func whatCannotApplyIsNamed(edit: String, words: String) {
        let error = refusal([edit])
        #expect(error?.code == .invalidArgument, "\(edit)")
        #expect(error?.message.contains(words) == true, "\(edit): \(error?.message ?? "accepted")")
    }

    @Test func pointsThatAreNotThereAreNotFound() {
        #expect(refusal(["zero zz0"])?.code == .notFound)
        #expect(refusal(["zero z3"])?.message.contains("layers are 0...2") == true)
        #expect(refusal(["zero hook_nothing layer=0"])?.code == .notFound)
    }

    @Test func directionsHaveALength() throws {
        let zeros = InterventionSpec(
            hook: "z0", action: .project(try Operand(shape: [8], values: Array(repeating: 0, count: 8))))
        #expect(throws: LensError.self) { try fixture.recipe(.raw, ["seq7"], [zeros]) }
        #expect(throws: LensError.self) { try Operand(shape: [2], values: [0, .nan]) }
        #expect(throws: LensError.self) { try Operand(shape: [2], values: [0]) }
        #expect(throws: LensError.self) { try Operand(shape: [0], values: []) }
        #expect(throws: LensError.self) { try Operand(shape: [.max, 4], values: [0]) }
    }

    @Test func promptsOfDifferentLengthsAreNamed() {
        let error = refusal(["zero z0 pos=10"], of: ["long", "seq7"])
        #expect(error?.message == "zero at blocks.0.attn.hook_z, prompt 1: position must be in 0...6; received 10")
        #expect(refusal(["zero z0 pos=10 prompt=0"], of: ["long", "seq7"]) == nil)
        #expect(refusal(["swap z0 with=1"], of: ["long", "seq7"])?.message.contains("24 and 7 tokens") == true)
        #expect(refusal(["swap z0 with=1 pos=:7"], of: ["long", "seq7"]) == nil)
        #expect(refusal(["swap z0 with=1"], of: ["long", "seq7", "other7"])?.message.contains("names the one") == true)
        #expect(refusal(["swap z0 with=1 prompt=0,2 pos=0"], of: ["long", "seq7", "other7"]) != nil)
    }

    @Test func patchesFitTheirSource() throws {
        let runs = [
            "same": try fixture.recipe(.processed, ["other7"], [], in: cases),
            "long": try fixture.recipe(.processed, ["long"], [], in: cases),
            "pair": try fixture.recipe(.processed, ["other7", "long"], [], in: cases),
        ]
        for (edit, words) in [
            ("patch z0 from=long", "the other pass has 24 tokens and this one 7: name the positions"),
            ("patch z0 from=same pos=1:4 from_pos=1:3", "taken has shape [2, 4, 8], the part that is edited [3, 4, 8]"),
            ("patch z0 from=same from_pos=:7 pos=0", "taken has shape"),
            ("patch z0 from=same pos=0 from_pos=9", "in the other pass, which has 7 tokens: position must be in 0...6"),
            ("patch z0 from=same from_prompt=1", "prompt of the other pass must be in 0...0; received 1"),
            ("patch z0 from=pair", "has 2 prompts and this one 1: name the prompt"),
            ("patch pattern0 from=long pos=2", "taken has shape [4, 24]"),
        ] {
            let error = refusal([edit], runs: runs)
            #expect(error?.code == .invalidArgument, "\(edit)")
            #expect(error?.message.contains(words) == true, "\(edit): \(error?.message ?? "accepted")")
        }
        #expect(refusal(["patch z0 from=nothing"], runs: runs)?.code == .notFound)
    }

    @Test func patchesComeFromTheSameModel() throws {
        let raw = try fixture.recipe(.raw, ["other7"], [], in: cases)
        let error = refusal(["patch z0 from=raw"], runs: ["raw": raw])
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("tiny@raw") == true)
        var changed = try fixture.recipe(.processed, ["other7"], [], in: cases)
        changed.fingerprint = String(repeating: "0", count: 64)
        #expect(refusal(["mean z0 from=old"], runs: ["old": changed])?.code == .failedPrecondition)
        // Another name of the same weights is the same model.
        var renamed = try fixture.recipe(.processed, ["other7"], [], in: cases)
        renamed.model = ModelReference(name: "elsewhere", form: .processed)
        #expect(refusal(["mean z0 from=other"], runs: ["other": renamed]) == nil)
    }

    @Test func passesLieOnlySoDeepInOneAnother() throws {
        var run = try fixture.recipe(.processed, ["other7"], [], in: cases)
        for depth in 2...Recipe.maximumDepth {
            run = try fixture.recipe(
                .processed, ["seq7"], ["patch z0 head=\(depth % 4) from=run"], in: cases, runs: ["run": run])
        }
        let error = refusal(["patch z0 head=0 from=run"], runs: ["run": run])
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("4 deep") == true)
    }

    @Test(arguments: [
        ["scale z0 2 head=1", "zero z0"], ["zero z0 head=1", "set z0 1 head=:2"],
        ["zero z0 head=1,2", "zero z0 head=2,1"],
        ["add resid_pre0 1 pos=-1", "patch resid_pre0 from=same pos=6"], ["mean z0", "set z0 0 head=:"],
        ["zero z layer=:", "zero z1"], ["mask pattern0 source=0", "zero pattern0 source=:3"],
    ])
    func editsOfWhichNothingWouldBeLeftAreRefused(edits: [String]) throws {
        let runs = ["same": try fixture.recipe(.processed, ["other7"], [], in: cases)]
        let error = refusal(edits, runs: runs)
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("leaves nothing of") == true, "\(error?.message ?? "accepted")")
    }

    @Test(arguments: [
        ["zero z0", "scale z0 2 head=1"], ["zero z0 head=1,2", "zero z0 head=2"], ["zero z0", "zero z1"],
        ["set z0 1", "mean z0"], ["set z0 1 head=0", "set z0 2 head=1"],
    ])
    func editsThatAddUpAreTaken(edits: [String]) {
        #expect(refusal(edits) == nil)
    }

    @Test func aSwapEditsBothPrompts() {
        let swap = "swap z0 with=1 prompt=0"
        #expect(refusal([swap, "zero z0 prompt=0"], of: ["seq7", "other7"]) == nil)
        #expect(refusal([swap, "zero z0"], of: ["seq7", "other7"])?.message.contains("leaves nothing") == true)
    }

    @Test func whatIsTooMuchIsRefusedUpFront() throws {
        let long = try fixture.recipe(.processed, Array(repeating: "long", count: 1000), [], in: cases)
        let many = Array(repeating: "patch z0 from=many from_prompt=0", count: 400)
        #expect(refusal(many, of: ["long"], runs: ["many": long])?.message.contains("numbers in all") == true)
        let crowd = Array(repeating: "seq7", count: 20_000)
        let edits = Array(repeating: "scale z0 2", count: 100)
        #expect(refusal(edits, of: crowd)?.message.contains("interventions times prompts") == true)
        // 2000 prompts of 4 * 24 * 24 values each, thirty times.
        let patterns = (0..<30).map { "patch pattern\($0 % 3) from=one" }
        let one = try fixture.recipe(.processed, ["long"], [], in: cases)
        let error = refusal(Array(patterns), of: Array(repeating: "long", count: 2000), runs: ["one": one])
        #expect(error?.message.contains("values from other runs") == true)
    }
}
