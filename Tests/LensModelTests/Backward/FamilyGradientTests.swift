import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// Gradients of the loss at every hook point against torch autograd through HookedTransformer, for families that between
/// them do everything that a forward pass does (see `Tests/Fixtures/family_gradients.py`).
@Suite struct FamilyGradientTests {
    static let checkpoints = [
        "bloom-2l", "gemma2-2l", "gpt2-3l-scaled", "gptj-2l", "llama-3l-grouped", "neox-2l", "olmo-2l-clip",
        "olmo2-2l-grouped", "qwen3-2l", "stablelm-2l-parallel", "toy-attn-only-no-norm-1l", "toy-shortformer-2l",
        "toy-solu-2l",
    ]

    /// With everything named, and with the short ways where nothing is.
    @Test(arguments: checkpoints, [true, false])
    func theLosssGradientAgrees(checkpoint: String, namesAll: Bool) throws {
        let subject = try GradientSubject("families/" + checkpoint)
        let configuration = subject.configuration
        let tokens = try subject.gradients.tokens("tokens")
        for form in [ModelReference.Form.processed, .raw] {
            let prefix = "\(form.rawValue)/"
            let keys = subject.gradients.names.filter { $0.hasPrefix(prefix) }
            let points = try Set(keys.map { try subject.point($0.dropFirst(prefix.count)) })
            let named =
                namesAll ? points : points.filter { !$0.kind.isOnDemand && ![.pattern, .attnScores].contains($0.kind) }
            var tape = try ForwardTape(
                ForwardState(subject.forward.model, form: form, tokens: [tokens]), edits: NoEdits(),
                reading: namesAll ? named : [], changing: [], end: configuration.pointBeforeLogits,
                capacity: namesAll ? 1 << 30 : 0)
            while try !tape.record(on: subject.compute) {}
            var state = try BackwardState(tape, on: subject.compute)
            _ = try state.add(subject.lossTerms(of: tokens), on: subject.compute)
            for point in named.sorted(by: >) {
                try state.advance(to: point, on: subject.compute)
                let isGated = configuration.gatedMLP && configuration.normalizationType == .layerNorm
                try subject.expectSqueezed(
                    state.gradient(of: 0), is: prefix + point.name,
                    butForMeans: isGated && form == .processed && point.kind == .ln2Normalized)
            }
            // Tokens and logits apart, every point of the model was there.
            let all = Set(configuration.hookPoints).subtracting([HookPoint(.tokens), HookPoint(.logits)])
            #expect(all.subtracting(points).isEmpty)
        }
    }
}

extension GradientSubject {
    /// As ``expect(_:is:sourceLocation:)``, whatever axes of one entry the shapes have.
    ///
    /// - Parameter butForMeans: whether the rows' means may differ. Folding a layer norm, TransformerLens centres `W_in`
    ///   and not the gate, whose part of the gradient keeps its mean there.
    func expectSqueezed(
        _ found: Tensor, is key: String, butForMeans: Bool = false, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let shape = try gradients.shape(key)
        #expect(
            found.shape.filter { $0 != 1 } == shape.filter { $0 != 1 }, "\(key): \(found.shape), \(shape)",
            sourceLocation: sourceLocation)
        if butForMeans {
            var expected = try gradients.floats(key)
            let width = shape.last ?? 1
            for start in stride(from: 0, to: expected.count, by: width) {
                let mean = expected[start..<start + width].reduce(0, +) / Float(width)
                for index in start..<start + width { expected[index] -= mean }
            }
            #expect(excess(found.values, over: expected) <= 0, "\(key)", sourceLocation: sourceLocation)
        } else if found.count == shape.reduce(1, *) {
            try expect(found.reshaped(shape), is: key, sourceLocation: sourceLocation)
        }
    }
}
