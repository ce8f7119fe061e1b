import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

@Suite struct ModelParameterTests {
    private let pool = ComputePool(threads: 2)
    private var compute: Compute { Compute(pool: pool, control: CallControl()) }

    /// Every parameter of every family's checkpoint, in both forms, is HookedTransformer's.
    @Test func parametersAreThoseOfTransformerLens() throws {
        let records = try ParameterRecord.all()
        #expect(records.count == 88)
        for record in records {
            let model = try LanguageModel(folder: Fixtures.folder(record.checkpoint), on: pool)
            let form: ModelReference.Form = record.form == "raw" ? .raw : .processed
            let listed = Set(model.parameters(form).map(\.name))
            // A model saved with its norms folded: HookedTransformer leaves a mean in that layer norm's rows do not see.
            if record.checkpoint.hasSuffix("toy-ln-pre-2l"), form == .processed { continue }
            for (name, expected) in record.parameters {
                guard !isTheirsAlone(name, of: record.checkpoint, expected) else { continue }
                let parameter = try model.parameter(name, form)
                let label = "\(record.checkpoint) \(record.form) \(name)"
                #expect(parameter.shape == expected.shape, "\(label)")
                // What heads share has a mark in TransformerLens, even where each has some of its own.
                let isListed = listed.contains(name) || listed.contains(name.replacing("._", with: "."))
                #expect(isListed, "\(label) is not listed")
                let values = try PreparedParameter(parameter, on: compute).whole(on: compute).values
                let found = ParameterRecord.sums(values)
                // Of random signs: an error of 1e-6 in each entry.
                let tolerance = 1e-5 + 3e-6 * (expected.sums[0] * Double(values.count).squareRoot()).squareRoot()
                for (found, expected) in zip(found, expected.sums) {
                    #expect(abs(found - expected) <= tolerance + 3e-6 * abs(expected), "\(label)")
                }
            }
            // Nothing is listed that TransformerLens has not, but for biases that it adds elsewhere.
            let known = Set(record.parameters.keys.map { $0.replacing("._", with: ".") })
            let others = listed.filter { !known.contains($0.replacing("._", with: ".")) }
            #expect(others.isEmpty, "\(record.checkpoint) \(record.form)")
        }
    }

    /// What TransformerLens keeps although the model has no such thing: zeros and ones.
    private func isTheirsAlone(
        _ name: String, of checkpoint: String, _ parameter: ParameterRecord.Parameter
    ) -> Bool {
        let isNorm = name.hasSuffix(".w") || name.hasSuffix(".b")
        let isZero = parameter.sums[0] == 0
        let isOnes = parameter.sums[0] == Double(parameter.shape.reduce(1, *))
        return name.hasSuffix("mlp.b_gate") && isZero || checkpoint.contains("olmo-") && isNorm && (isZero || isOnes)
    }

    @Test func entriesAreThoseOfTheWhole() throws {
        for checkpoint in ["gpt-neo-3l-local", "families/toy-rms-gated-2l", "families/llama-3l-grouped"] {
            let model = try LanguageModel(folder: Fixtures.folder(checkpoint), on: pool)
            for name in ["W_E", "W_U", "b_U", "blocks.1.attn.W_K", "blocks.1.attn.W_O", "blocks.0.mlp.W_out"] {
                let prepared = try PreparedParameter(model.parameter(name, .processed), on: compute)
                let whole = try prepared.whole(on: compute)
                let width = prepared.parameter.entryWidth
                let part = try prepared.entries(1..<3, on: compute)
                #expect(part.shape == [2] + whole.shape.dropFirst())
                #expect(part.values == Array(whole.values[width..<3 * width]), "\(checkpoint) \(name)")
            }
        }
    }

    @Test func keysOfHeadsThatShareThemAreRepeated() throws {
        let model = try LanguageModel(folder: Fixtures.folder("families/llama-3l-grouped"), on: pool)
        for name in ["W_K", "b_V"] {
            let shared = try PreparedParameter(model.parameter("blocks.0.attn._\(name)", .processed), on: compute)
                .whole(on: compute)
            let every = try PreparedParameter(model.parameter("blocks.0.attn.\(name)", .processed), on: compute)
                .whole(on: compute)
            #expect(every.shape[0] == 4 && shared.shape[0] == 2)
            let width = shared.rowWidth
            #expect(Array(every.values[width..<2 * width]) == Array(shared.values[..<width]))
            #expect(Array(every.values[2 * width..<3 * width]) == Array(shared.values[width...]))
        }
    }

    @Test func aWrongNameIsToldWhatIsNear() throws {
        let model = try LanguageModel(folder: Fixtures.folder("gpt-neo-3l-local"), on: pool)
        let error = #expect(throws: LensError.self) { try model.parameter("blocks.1.attn.W_q", .raw) }
        #expect(error?.code == .notFound)
        #expect(error?.message.contains("blocks.1.attn.W_Q") == true)
        #expect(throws: LensError.self) { try model.parameter("blocks.3.attn.W_Q", .raw) }
    }

    @Test func aCancelledCallEndsTheWork() throws {
        let model = try LanguageModel(folder: Fixtures.folder("gpt-neo-3l-local"), on: pool)
        let control = CallControl()
        control.cancel()
        #expect(throws: LensError.self) {
            try PreparedParameter(model.parameter("W_U", .processed), on: Compute(pool: pool, control: control))
        }
    }
}
