import LensCheckpoint
import LensCore
import LensModel
import LensTestSupport
import Testing

/// Every family against HookedTransformer and transformers: activations, logits, losses and edits of both forms.
@Suite struct FamilyParityTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let checkpoint: String
        let form: ModelReference.Form
        var testDescription: String { "\(checkpoint) \(form.rawValue)" }
    }

    static let cases = Fixtures.families.flatMap { checkpoint in
        [ModelReference.Form.processed, .raw].map { Case(checkpoint: checkpoint, form: $0) }
    }

    /// What a reference covers: the points with values, and those that only repeat another.
    private struct Index {
        var hooks: [String] = []
        /// In the order of `edits/token_loss`.
        var edits: [String] = []
        var repeated: [String: String] = [:]

        init(_ checkpoint: String) throws {
            let keys = try Fixtures.json("\(checkpoint)/reference.json").object()
            hooks = try Self.strings(keys.required("hooks"))
            edits = try Self.strings(keys.required("edits"))
            var repeated: [String: String] = [:]
            for (name, source) in try keys.required("repeated").object().members {
                repeated[name] = try source.string()
            }
            self.repeated = repeated
        }

        private static func strings(_ value: JSONValue) throws -> [String] {
            var strings: [String] = []
            try value.forEachElement { element throws(LensError) in strings.append(try element.string()) }
            return strings
        }
    }

    @Test(arguments: Fixtures.families)
    func hookPointsAreTransformerLenss(checkpoint: String) throws {
        let configuration = try TestModel(checkpoint).model.configuration
        let index = try Index(checkpoint)
        var expected = Set(index.hooks).union(index.repeated.keys).union(["hook_tokens", "unembed.hook_out"])
        // TransformerLens takes a model for grouped that names as many key heads as heads, and leaves this out.
        if !configuration.isGrouped {
            expected.formUnion((0..<configuration.nLayers).map { "blocks.\($0).hook_attn_in" })
        }
        #expect(Set(configuration.hookPoints.map(\.name)) == expected)
    }

    @Test(arguments: cases)
    func everyActivationAgrees(_ test: Case) throws {
        let subject = try TestModel(test.checkpoint)
        let index = try Index(test.checkpoint)
        let points = subject.model.configuration.hookPoints
        var (worst, count) = (Float(0), 0)
        for name in index.hooks + index.repeated.keys {
            let point = try HookPoint.named(name, among: points)
            var state = try subject.begin(test.form, sequences: ["seq10"])
            try state.advance(to: point, on: subject.compute)
            let found = state.activation(of: 0)
            let key = "\(test.form.rawValue)/seq10/\(index.repeated[name] ?? name)"
            var (shape, values) = (try subject.reference.shape(key), try subject.reference.floats(key))
            if index.repeated[name] != nil, found.shape.count == shape.count + 1 {
                // For every head the same.
                let (width, heads) = (shape[1], found.shape[1])
                values = (0..<shape[0]).flatMap { row in
                    (0..<heads).flatMap { _ in values[row * width..<(row + 1) * width] }
                }
                shape.insert(heads, at: 1)
            }
            #expect(Self.squeezed(found.shape) == Self.squeezed(shape), "\(name)")
            let excess = excess(found.values, over: values)
            #expect(excess <= 0, "\(test.form.rawValue) \(name) exceeds the tolerance by \(excess)")
            worst = max(worst, largestDifference(found.values, from: values))
            count += values.count
        }
        try FamilyResults.record(test.checkpoint, "activations", worst: worst, count: count)
    }

    /// A shape without axes of one: of a norm over all heads TransformerLens has no axis of heads.
    private static func squeezed(_ shape: [Int]) -> [Int] { shape.filter { $0 != 1 } }

    @Test(arguments: cases)
    func logitsAndLossesAgree(_ test: Case) throws {
        let subject = try TestModel(test.checkpoint)
        var (worst, count) = (Float(0), 0)
        for sequence in try subject.sequenceNames() {
            let form = test.form.rawValue
            var keys = ["\(form)/\(sequence)/logits"]
            if test.form == .raw { keys.append("transformers/\(sequence)/logits") }
            for key in keys where subject.reference.contains(key) {
                var state = try subject.begin(test.form, sequences: [sequence])
                try state.advance(to: HookPoint(.logits), on: subject.compute)
                let (found, expected) = (state.activation(of: 0).values, try subject.reference.floats(key))
                let excess = excess(found, over: expected)
                #expect(excess <= 0, "\(key) exceeds the tolerance by \(excess)")
                worst = max(worst, largestDifference(found, from: expected))
                count += expected.count
            }
            guard subject.reference.contains("\(form)/\(sequence)/token_loss") else { continue }
            let losses = try subject.begin(test.form, sequences: [sequence]).tokenLosses(on: subject.compute)[0]
            let expected = try subject.reference.floats("\(form)/\(sequence)/token_loss")
            #expect(excess(losses, over: expected, absolute: 1e-5, relative: 1e-5) <= 0, "\(form) \(sequence)")
            let mean = losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
            #expect(abs(mean - Double(try subject.reference.floats("\(form)/\(sequence)/loss")[0])) <= 1e-5)
        }
        try FamilyResults.record(test.checkpoint, "logits", worst: worst, count: count)
    }

    /// Each point times 1.3 changes the losses as it does in TransformerLens.
    @Test(arguments: cases)
    func editsAgree(_ test: Case) throws {
        let subject = try TestModel(test.checkpoint)
        let index = try Index(test.checkpoint)
        let points = subject.model.configuration.hookPoints
        let losses = try subject.reference.floats("\(test.form.rawValue)/edits/token_loss")
        let width = losses.count / max(index.edits.count, 1)
        #expect(width == 9)
        for (row, name) in index.edits.enumerated() {
            var state = try subject.begin(test.form, sequences: ["seq10"])
            try state.advance(to: HookPoint.named(name, among: points), on: subject.compute)
            try state.edit(0) { values, _ in for index in values.indices { values[index] *= 1.3 } }
            let found = try state.tokenLosses(on: subject.compute)[0]
            let excess = excess(found, over: Array(losses[row * width..<(row + 1) * width]))
            #expect(excess <= 0, "\(test.form.rawValue) \(name) exceeds the tolerance by \(excess)")
        }
    }

    /// The same text in a batch with others, and shorter ones, gives the same numbers.
    @Test(arguments: Fixtures.families)
    func othersInTheBatchDoNotMatter(checkpoint: String) throws {
        let subject = try TestModel(checkpoint)
        let names = try subject.sequenceNames()
        let together = try subject.begin(.processed, sequences: names).tokenLosses(on: subject.compute)
        for (name, found) in zip(names, together) {
            let alone = try subject.begin(.processed, sequences: [name]).tokenLosses(on: subject.compute)[0]
            #expect(excess(found, over: alone, absolute: 1e-5, relative: 1e-5) <= 0, "\(name)")
        }
    }
}
