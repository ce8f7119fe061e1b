import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// Every activation, the logits and the losses, against HookedTransformer and transformers (see `Tests/Fixtures`).
@Suite struct ForwardParityTests {
    static let cases = Fixtures.checkpoints.flatMap { checkpoint in
        [ModelReference.Form.processed, .raw].map { (checkpoint, $0) }
    }

    @Test(arguments: cases)
    func everyActivationAgrees(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try TestModel(checkpoint)
        let names = Set(subject.model.configuration.hookPoints.map(\.name))
        var compared: Set<String> = []
        var results: [String: (worst: Float, count: Int)] = [:]
        for key in subject.reference.names where key.hasPrefix("\(form.rawValue)/seq") {
            let parts = key.split(separator: "/", maxSplits: 2).map(String.init)
            let name = parts[2] == "logits" ? "unembed.hook_out" : parts[2]
            guard names.contains(name), name != "hook_tokens" else { continue }
            let point = try HookPoint.named(name, among: subject.model.configuration.hookPoints)
            var state = try subject.begin(form, sequences: [parts[1]])
            try state.advance(to: point, on: subject.compute)
            let found = state.activation(of: 0)
            #expect(found.shape == (try subject.reference.shape(key)), "\(key)")
            let expected = try subject.reference.floats(key)
            let worst = excess(found.values, over: expected)
            #expect(worst <= 0, "\(key) exceeds the tolerance by \(worst)")
            compared.insert(point.kind.suffix)
            let column = point.kind == .logits ? "logits" : "activations"
            let result = results[column, default: (0, 0)]
            results[column] = (
                max(result.worst, largestDifference(found.values, from: expected)), result.count + expected.count
            )
        }
        for (column, result) in results {
            try FamilyResults.record(checkpoint, column, worst: result.worst, count: result.count)
        }
        // All kinds of points, tokens apart, were among them.
        let expected = Set(subject.model.configuration.hookPoints.map(\.kind.suffix)).subtracting(["hook_tokens"])
        #expect(expected.subtracting(compared).isEmpty)
    }

    @Test(arguments: cases)
    func lossesAgree(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try TestModel(checkpoint)
        for name in try subject.sequenceNames() {
            let losses = try subject.begin(form, sequences: [name]).tokenLosses(on: subject.compute)[0]
            let key = "\(form.rawValue)/\(name)/token_loss"
            if losses.isEmpty {
                #expect(!subject.reference.contains(key))
                continue
            }
            #expect(
                excess(losses, over: try subject.reference.floats(key), absolute: 1e-5, relative: 1e-5) <= 0, "\(key)")
            let mean = losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
            let reference = Double(try subject.reference.floats("\(form.rawValue)/\(name)/loss")[0])
            #expect(abs(mean - reference) <= 1e-5)
        }
    }

    /// The aim beyond: no larger an error than torch's own float32 has, against float64.
    @Test(arguments: cases)
    func lossesAreAsCloseToFloat64AsTorchs(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try TestModel(checkpoint)
        var ours = 0.0
        var torchs = 0.0
        for name in try subject.sequenceNames() where subject.reference.contains("\(form.rawValue)/\(name)/token_loss")
        {
            let exact = try subject.reference.doubles("f64/\(form.rawValue)/\(name)/token_loss")
            let torch = try subject.reference.floats("\(form.rawValue)/\(name)/token_loss")
            let found = try subject.begin(form, sequences: [name]).tokenLosses(on: subject.compute)[0]
            for index in exact.indices {
                ours += (Double(found[index]) - exact[index]) * (Double(found[index]) - exact[index])
                torchs += (Double(torch[index]) - exact[index]) * (Double(torch[index]) - exact[index])
            }
        }
        // Root mean squares of a few dozen rounding errors vary; half as much again is within that.
        let ratio = (ours / torchs).squareRoot()
        #expect(ratio <= 1.5, "our error is \(ratio) times torch's")
    }

    @Test(arguments: cases)
    func editsReachTheLogits(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try TestModel(checkpoint)
        let points = subject.model.configuration.hookPoints
        for operation in ["edits", "replace"] {
            let prefix = "\(operation)/seq7/\(form.rawValue)/"
            for key in subject.reference.names where key.hasPrefix(prefix) && key.hasSuffix("/value") {
                let name = String(key.dropFirst(prefix.count).dropLast("/value".count))
                let point = try HookPoint.named(name, among: points)
                let value =
                    point.kind == .tokens
                    ? try subject.reference.tokens(key).map { Float($0) } : try subject.reference.floats(key)
                var state = try subject.begin(form, sequences: ["seq7"])
                try state.advance(to: point, on: subject.compute)
                try state.edit(0) { values, _ in
                    for index in values.indices {
                        if operation == "replace" {
                            values[index] = value[index]
                        } else if value.count == 1 {
                            values[index] *= value[0]
                        } else {
                            values[index] += value[index]
                        }
                    }
                }
                let losses = try state.tokenLosses(on: subject.compute)[0]
                try state.advance(to: HookPoint(.logits), on: subject.compute)
                let logits = state.activation(of: 0).values
                let stem = key.dropLast("value".count)
                let worst = excess(logits, over: try subject.reference.floats(stem + "logits"))
                #expect(worst <= 0, "\(key) exceeds the tolerance by \(worst)")
                let mean = losses.reduce(0.0) { $0 + Double($1) } / Double(losses.count)
                #expect(abs(mean - Double(try subject.reference.floats(stem + "loss")[0])) <= 1e-4, "\(key)")
            }
        }
    }
}

/// A fixture checkpoint, loaded, with its reference.
struct TestModel {
    let model: LanguageModel
    let reference: ReferenceTensors
    let compute: Compute

    init(_ checkpoint: String, threads: Int = 2) throws {
        compute = Compute(pool: ComputePool(threads: threads), control: CallControl())
        model = try LanguageModel(folder: Fixtures.folder(checkpoint), on: compute.pool)
        reference = try Fixtures.reference(checkpoint)
    }

    /// `seq1`, `seq2`, …, shortest first.
    func sequenceNames() throws -> [String] {
        reference.names.filter { $0.hasPrefix("seq") && $0.hasSuffix("/tokens") }
            .map { String($0.dropLast("/tokens".count)) }
            .sorted { ($0.count, $0) < ($1.count, $1) }
    }

    func tokens(_ sequence: String) throws -> [Int32] {
        try reference.tokens("\(sequence)/tokens")
    }

    func begin(_ form: ModelReference.Form, sequences: [String]) throws -> ForwardState {
        try ForwardState(model, form: form, tokens: sequences.map(tokens))
    }
}
