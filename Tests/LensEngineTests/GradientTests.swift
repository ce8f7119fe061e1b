import LensCore
import LensEngine
import LensTestSupport
import Synchronization
import Testing

/// Gradients as the engine answers them: through edits, with stops, with what functions made of activations.
@Suite struct GradientTests {
    static let forms: [ModelReference.Form] = [.processed, .raw]

    /// Every (hook point, edit) pair of a local layer in the middle, against torch through HookedTransformer.
    @Test(arguments: forms)
    func gradientsThroughEditsAgree(form: ModelReference.Form) async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let reference = try ReferenceTensors(path: Fixtures.path("gpt-neo-3l-local/gradients.safetensors"))
        let prefix = "\(form.rawValue)/seq7/edit/"
        let keys = reference.names.filter { $0.hasPrefix(prefix) && $0.hasSuffix("/point") }
        #expect(keys.count > 80)
        for key in keys {
            let parts = key.dropFirst(prefix.count).split(separator: "/").map(String.init)
            let (action, hook) = (parts[0], parts[1])
            let stem = "\(prefix)\(action)/\(hook)"
            let edit: InterventionSpec.Action =
                switch action {
                case "zero": .zero
                case "mean": .mean
                case "scale": .scale(1.3)
                default:
                    .project(
                        try Operand(
                            shape: reference.shape("\(stem)/direction"), values: reference.floats("\(stem)/direction")))
                }
            let hasHeads = try reference.shape(key).count == 3
            let recipe = try fixture.recipe(
                form, ["seq7"],
                [InterventionSpec(hook: hook, action: edit, selection: hasHeads ? Selection(heads: .index(1)) : .all)])
            let found = try await fixture.gradient(
                recipe, terms: [GradientTerm(.loss(isSum: false))], wanted: Set([hook, "hook_embed"]).sorted())
            for (name, part) in [(hook, "point"), ("hook_embed", "embed")] {
                // What is seen at the embedding is behind an edit there.
                if hook == "hook_embed", part == "embed" { continue }
                let expected = try reference.floats("\(stem)/\(part)")
                let size = expected.reduce(0) { max($0, abs($1)) }
                let values = try #require(found.gradients[name])
                let worst = excess(values[0], over: expected, absolute: 1e-6 + 1e-4 * size, relative: 1e-4)
                #expect(worst <= 0, "\(stem)/\(part) is off by \(worst) more than allowed, of \(size)")
            }
        }
    }

    /// The edits that the reference lacks, several at once: the derivative along a direction, by differences.
    @Test(arguments: forms)
    func theGradientIsTheDerivative(form: ModelReference.Form) async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let all = Selection.all
        let noise = try Operand(shape: [32], values: Self.noise(32, seed: 3))
        let edits: [[InterventionSpec]] = [
            [],
            [InterventionSpec(hook: "blocks.1.hook_resid_mid", action: .swap(prompt: 1), selection: Self.cut)],
            [
                InterventionSpec(
                    hook: "resid_pre2",
                    action: .patch(.prompts([.tokens([1, 2, 3, 4, 5, 6, 7])]), prompt: nil, positions: nil),
                    selection: Selection(prompts: .index(0), positions: .list([1, 3])))
            ],
            [
                InterventionSpec(hook: "attn_scores1", action: .mask, selection: Selection(sources: .index(0))),
                InterventionSpec(
                    hook: "pattern0", action: .mask,
                    selection: Selection(heads: .list([0, 2]), sources: .range(start: 1, stop: 3, step: 1))),
            ],
            [
                InterventionSpec(hook: "q_input1", action: .add(noise), selection: Selection(heads: .index(2))),
                InterventionSpec(hook: "mlp_in0", action: .scale(0.5), selection: all),
                InterventionSpec(hook: "result2", action: .scale(-1), selection: Selection(heads: .index(0))),
                InterventionSpec(hook: "z1", action: .mean, selection: Selection(positions: .list([2, 4]))),
                InterventionSpec(hook: "resid_post1", action: .project(noise), selection: all),
                InterventionSpec(hook: "resid_post1", action: .add(noise), selection: Selection(positions: .index(-1))),
            ],
            [InterventionSpec(hook: "blocks.1.ln1.hook_scale", action: .scale(1.5), selection: all)],
            [InterventionSpec(hook: "attn_in0", action: .scale(0.3), selection: Selection(positions: .index(1)))],
            [InterventionSpec(hook: "unembed.hook_out", action: .scale(0.5), selection: all)],
        ]
        for (index, edits) in edits.enumerated() {
            let direction = Self.noise(7 * 32, seed: UInt64(index + 11))
            func total(_ step: Float) async throws -> Double {
                let operand = try Operand(shape: [7, 32], values: direction.map { $0 * step })
                let moved = InterventionSpec(
                    hook: "hook_pos_embed", action: .add(operand), selection: Selection(prompts: .index(0)))
                let recipe = try fixture.recipe(form, ["seq7", "seq7"], [moved] + edits)
                return Double(try await fixture.run(recipe).loss) * 12
            }
            let recipe = try fixture.recipe(form, ["seq7", "seq7"], edits)
            let found = try await fixture.gradient(
                recipe, terms: [GradientTerm(.loss(isSum: true))], wanted: ["hook_pos_embed"])
            let gradient = try #require(found.gradients["hook_pos_embed"])[0]
            let slope = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
            let step: Float = 0.01
            let difference = (try await total(step) - total(-step)) / Double(2 * step)
            let size = gradient.reduce(0.0) { $0 + Double($1 * $1) }.squareRoot()
            #expect(abs(difference - slope) <= 0.02 * max(size, 0.2), "edits \(index): \(difference) for \(slope)")
        }
    }

    @Test func termsAndCotangentsAddUp() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.processed, ["seq7", "seq2"])
        let cotangents = GradientUpload(
            hook: "z0", shapes: [[7, 16, 4], [2, 16, 4]],
            values: [7, 2].map { Self.noise($0 * 16 * 4, seed: UInt64($0)) })
        let terms = [
            GradientTerm(.logit(prompt: 0, position: -1, token: 5), weight: 1),
            GradientTerm(.logit(prompt: 0, position: 6, token: 9), weight: -1),
            GradientTerm(.logProbability(prompt: 1, position: 0, token: 3), weight: 2),
        ]
        let wanted = ["hook_embed", "blocks.0.attn.hook_z"]
        let whole = try await fixture.gradient(
            recipe, terms: terms, cotangents: [cotangents], wanted: wanted)
        var sum: [String: [[Float]]] = [:]
        var value = 0.0
        func add(_ part: EngineFixture.GradientAnswer) {
            value += part.value
            for (name, tensors) in part.gradients {
                sum[name] = sum[name].map { zip($0, tensors).map { zip($0, $1).map(+) } } ?? tensors
            }
        }
        for term in terms { add(try await fixture.gradient(recipe, terms: [term], wanted: wanted)) }
        add(try await fixture.gradient(recipe, cotangents: [cotangents], wanted: wanted))
        #expect(abs(whole.value - value) <= 1e-4)
        for (name, tensors) in whole.gradients {
            for (index, tensor) in tensors.enumerated() {
                let expected = try #require(sum[name])[index]
                #expect(excess(tensor, over: expected, absolute: 1e-5) <= 0, "\(name) of prompt \(index)")
            }
        }
        // The same through the logits as a whole.
        let dense = try await fixture.gradient(
            recipe, terms: terms, cotangents: [cotangents], wanted: wanted + ["logits"])
        #expect(abs(dense.value - value) <= 1e-4)
        for (name, tensors) in whole.gradients {
            let others = try #require(dense.gradients[name])
            #expect(zip(tensors, others).allSatisfy { excess($0, over: $1, absolute: 1e-5) <= 0 }, "\(name)")
        }
        let logits = try #require(dense.gradients["unembed.hook_out"])[0]
        #expect(logits[6 * 320 + 5] == 1 && logits[6 * 320 + 9] == -1 && logits[0] == 0)
    }

    /// A function that scales by 1.3, with its own gradient, is the edit that scales by 1.3.
    @Test func replacementsAndStopsAreWhatAFunctionDoes() async throws {
        let fixture = try EngineFixture("gpt-neo-3l-local")
        let hook = "blocks.1.attn.hook_z"
        let terms = [GradientTerm(.loss(isSum: false))]
        let plain = try fixture.recipe(.processed, ["seq7"])
        let edited = try fixture.recipe(.processed, ["seq7"], [InterventionSpec(hook: hook, action: .scale(1.3))])
        let expected = try await fixture.gradient(edited, terms: terms, wanted: ["hook_embed", hook])
        let z = try await fixture.query(plain, hook).values.map { $0 * 1.3 }
        let function = GradientUpload(hook: hook, shapes: [[7, 4, 8]], values: [z])
        let found = try await fixture.gradient(
            plain, terms: terms, replacements: [function], wanted: ["hook_embed", hook], stops: [hook]
        ) { _, gradient in gradient.map { $0.map { $0 * 1.3 } } }
        #expect(abs(found.value - expected.value) <= 1e-5)
        for name in [hook, "hook_embed"] {
            let (own, theirs) = (try #require(found.gradients[name])[0], try #require(expected.gradients[name])[0])
            #expect(excess(own, over: theirs, absolute: 1e-6) <= 0, "\(name)")
        }
        // Unanswered, nothing comes through the function; nor does it through a point whose gradient is set to zero.
        let stopped = try await fixture.gradient(
            plain, terms: terms, replacements: [function], wanted: ["hook_embed"], stops: [hook])
        let cut = try await fixture.gradient(
            edited, terms: terms, wanted: ["hook_embed"], stops: [hook]
        ) { _, gradient in gradient.map { $0.map { _ in 0 } } }
        let (one, other) = (
            try #require(stopped.gradients["hook_embed"])[0], try #require(cut.gradients["hook_embed"])[0]
        )
        #expect(excess(one, over: other, absolute: 1e-6) <= 0)
        #expect(excess(one, over: try #require(expected.gradients["hook_embed"])[0], absolute: 1e-6) > 0)
    }

    @Test func whatCannotBeIsRefused() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.processed, ["seq7"])
        let loss = [GradientTerm(.loss(isSum: false))]
        func expectRefusal(
            _ code: StatusCode, _ words: String, sourceLocation: SourceLocation = #_sourceLocation,
            _ body: () async throws -> EngineFixture.GradientAnswer
        ) async {
            do {
                _ = try await body()
                Issue.record("nothing was refused", sourceLocation: sourceLocation)
            } catch let error as LensError {
                #expect(error.code == code && error.message.contains(words), "\(error)", sourceLocation: sourceLocation)
            } catch {
                Issue.record(error, sourceLocation: sourceLocation)
            }
        }
        func z(_ values: [Float], shape: [Int] = [7, 16, 4]) -> GradientUpload {
            GradientUpload(hook: "z0", shapes: [shape], values: [values])
        }
        await expectRefusal(.invalidArgument, "neither") { try await fixture.gradient(recipe, wanted: ["z0"]) }
        await expectRefusal(.notFound, "z1") { try await fixture.gradient(recipe, terms: loss, wanted: ["z1"]) }
        await expectRefusal(.invalidArgument, "token ids") {
            try await fixture.gradient(recipe, terms: loss, wanted: ["hook_tokens"])
        }
        await expectRefusal(.invalidArgument, "position") {
            try await fixture.gradient(recipe, terms: [GradientTerm(.logit(prompt: 0, position: 7, token: 1))])
        }
        await expectRefusal(.invalidArgument, "token") {
            try await fixture.gradient(recipe, terms: [GradientTerm(.logit(prompt: 0, position: 1, token: 320))])
        }
        await expectRefusal(.invalidArgument, "finite") {
            try await fixture.gradient(recipe, terms: [GradientTerm(.loss(isSum: true), weight: .nan)])
        }
        await expectRefusal(.invalidArgument, "depends") {
            try await fixture.gradient(
                recipe, cotangents: [z([Float](repeating: 0, count: 448))], wanted: ["resid_post0"])
        }
        await expectRefusal(.invalidArgument, "nan") {
            try await fixture.gradient(recipe, cotangents: [z([Float](repeating: .nan, count: 448))])
        }
        await expectRefusal(.invalidArgument, "still to come") {
            try await fixture.gradient(recipe, cotangents: [z([Float](repeating: 0, count: 449))])
        }
        await expectRefusal(.invalidArgument, "shapes") {
            try await fixture.gradient(recipe, cotangents: [z([0], shape: [7, 16])])
        }
        await expectRefusal(.invalidArgument, "norms of their own") {
            try await fixture.gradient(recipe, terms: loss, wanted: ["q_input0"], stops: ["blocks.0.ln1.hook_scale"])
        }
        let single = try fixture.recipe(.processed, ["seq1"])
        await expectRefusal(.invalidArgument, "predict nothing") { try await fixture.gradient(single, terms: loss) }
    }

    /// Cancelled while a stop waits: the call ends, and what it held is free again.
    @Test func aCancelledGradientEnds() async throws {
        let fixture = try EngineFixture("gpt-neo-1l-16h")
        let recipe = try fixture.recipe(.processed, ["seq7"])
        let control = CallControl()
        let request = GradientRequest(
            model: recipe.model, prompts: [], terms: [GradientTerm(.loss(isSum: false))], wanted: ["hook_embed"],
            stops: ["z0"])
        let client = HookClient(user: 0) { _ in
        } receive: {
            control.cancel()
            return .unchanged
        }
        await #expect(throws: LensError.cancelled) {
            try await fixture.engine.gradient(request, recipe: recipe, client: client, control: control) { _ in }
        }
        _ = try await fixture.gradient(recipe, terms: request.terms, wanted: ["hook_embed"])
    }

    /// A part of the positions, shared by two prompts.
    private static let cut = Selection(prompts: .index(0), positions: .list([2, 5]))

    private static func noise(_ count: Int, seed: UInt64) -> [Float] {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        return (0..<count).map { _ in
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return Float(state >> 40) / Float(1 << 23) - 1
        }
    }
}

/// What a client sends for a point: one array per prompt.
struct GradientUpload {
    let hook: String
    let shapes: [[Int]]
    let values: [[Float]]
}

extension EngineFixture {
    struct GradientAnswer: Sendable {
        var value = Double.nan
        /// By full name, one array per prompt.
        var gradients: [String: [[Float]]] = [:]
    }

    /// Takes a gradient as a client does.
    ///
    /// - Parameter answer: gets a stop's name and gradient; `nil` leaves it as it is.
    func gradient(
        _ recipe: Recipe, terms: [GradientTerm] = [], cotangents: [GradientUpload] = [],
        replacements: [GradientUpload] = [], wanted: [String] = [], stops: [String] = [],
        answer: @escaping @Sendable (String, [[Float]]) -> [[Float]]? = { _, _ in nil }
    ) async throws -> GradientAnswer {
        let request = GradientRequest(
            model: recipe.model, prompts: [], terms: terms, cotangents: cotangents.map(\.hook),
            replacements: replacements.map(\.hook), wanted: wanted, stops: stops)
        let script = Script(uploads: cotangents + replacements)
        let client = HookClient(user: 0) {
            script.take($0)
        } receive: {
            script.next(answer)
        }
        try await engine.gradient(request, recipe: recipe, client: client, control: CallControl()) { value in
            script.begin(value)
        }
        return script.finished
    }

    /// The other end of one gradient.
    private final class Script: Sendable {
        private struct State {
            var answers: [HookAnswer]
            var current: HookedActivation?
            var isParked = false
            var bytes: [UInt8] = []
            var result = GradientAnswer()
        }

        private let state: Mutex<State>

        init(uploads: [GradientUpload]) {
            let answers = uploads.flatMap { upload in
                [HookAnswer.replacement(shapes: upload.shapes)] + upload.values.map { .values(Script.bytes($0)) }
            }
            state = Mutex(State(answers: answers))
        }

        func begin(_ value: Double) { state.withLock { $0.result.value = value } }

        func take(_ event: HookEvent) {
            state.withLock { state in
                switch event {
                case .parked(let activation), .kept(let activation):
                    Self.close(&state)
                    state.current = activation
                    if case .parked = event { state.isParked = true }
                case .values(let bytes): state.bytes += bytes
                }
            }
        }

        func next(_ answer: (String, [[Float]]) -> [[Float]]?) -> HookAnswer? {
            state.withLock { state in
                if !state.answers.isEmpty { return state.answers.removeFirst() }
                guard state.isParked, let current = state.current else { return nil }
                let gradient = Self.split(state.bytes, current.shapes)
                Self.close(&state)
                guard let replacement = answer(current.hook, gradient) else { return .unchanged }
                state.answers = replacement.map { .values(Self.bytes($0)) }
                return .replacement(shapes: current.shapes)
            }
        }

        var finished: GradientAnswer {
            state.withLock { state in
                Self.close(&state)
                return state.result
            }
        }

        private static func close(_ state: inout State) {
            if let current = state.current, !state.isParked {
                state.result.gradients[current.hook] = split(state.bytes, current.shapes)
            }
            state.current = nil
            state.isParked = false
            state.bytes = []
        }

        private static func bytes(_ values: [Float]) -> [UInt8] { values.withUnsafeBytes { Array($0) } }

        private static func split(_ bytes: [UInt8], _ shapes: [[Int]]) -> [[Float]] {
            var values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }[...]
            return shapes.map { shape in
                let count = shape.reduce(1, *)
                defer { values = values.dropFirst(count) }
                return Array(values.prefix(count))
            }
        }
    }
}
