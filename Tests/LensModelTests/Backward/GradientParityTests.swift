import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// Gradients against torch autograd through HookedTransformer (see `Tests/Fixtures/gradients.py`).
@Suite struct GradientParityTests {
    static let cases = ["gpt-neo-3l-local", "gpt-neo-1l-16h", "gpt-neo-1l-untied"].flatMap { checkpoint in
        [ModelReference.Form.processed, .raw].map { (checkpoint, $0) }
    }

    /// At every point at once, with the tape kept and with blocks computed again.
    @Test(arguments: cases, [0, 1 << 30])
    func theLosssGradientAgreesAtEveryPoint(of model: (String, ModelReference.Form), capacity: Int) throws {
        let (checkpoint, form) = model
        let subject = try GradientSubject(checkpoint)
        var compared: Set<HookPoint> = []
        for sequence in ["seq7", "seq24"] {
            let prefix = "\(form.rawValue)/\(sequence)/loss/"
            let keys = subject.gradients.names.filter { $0.hasPrefix(prefix) }
            if keys.isEmpty { continue }
            let points = try Set(keys.map { try subject.point($0.dropFirst(prefix.count)) })
            let tape = try subject.tape(
                form, [sequence], reading: points, end: subject.lastPoint(points), capacity: capacity)
            var state = try BackwardState(tape, on: subject.compute)
            let terms = subject.lossTerms(of: tape.tokens[0])
            let values = try state.add(terms, on: subject.compute)
            let loss = zip(values, terms).reduce(0.0) { $0 + $1.0 * Double($1.1.weight) }
            let expected = try subject.forward.reference.floats("\(form.rawValue)/\(sequence)/loss")[0]
            #expect(abs(loss - Double(expected)) <= 1e-5)
            for point in points.sorted(by: >) {
                try state.advance(to: point, on: subject.compute)
                try subject.expect(state.gradient(of: 0), is: prefix + point.name)
                compared.insert(point)
            }
        }
        let all = Set(subject.configuration.hookPoints).subtracting([HookPoint(.tokens)])
        #expect(all.subtracting(compared).isEmpty)
    }

    /// Without anything named the pass takes the short ways; the ends agree all the same.
    @Test(arguments: cases)
    func theShortWaysAgree(checkpoint: String, form: ModelReference.Form) throws {
        let subject = try GradientSubject(checkpoint)
        let end = HookPoint(.lnFinalNormalized)
        let tape = try subject.tape(form, ["seq7"], reading: [], end: end, capacity: 0)
        var state = try BackwardState(tape, on: subject.compute)
        _ = try state.add(subject.lossTerms(of: tape.tokens[0]), on: subject.compute)
        for point in [HookPoint(.z), HookPoint(.v), HookPoint(.ln1Scale), HookPoint(.residPre), HookPoint(.embed)] {
            try state.advance(to: point, on: subject.compute)
            try subject.expect(state.gradient(of: 0), is: "\(form.rawValue)/seq7/loss/\(point.name)")
        }
        #expect(state.point == HookPoint(.embed))
    }

    @Test(arguments: [ModelReference.Form.processed, .raw])
    func cotangentsAtAnyPointComeBack(form: ModelReference.Form) throws {
        let subject = try GradientSubject("gpt-neo-3l-local")
        let prefix = "\(form.rawValue)/seq7/from/"
        let sources = subject.gradients.names.filter { $0.hasPrefix(prefix) && $0.hasSuffix("/cotangent") }
        #expect(sources.count == 7)
        for key in sources {
            let name = key.dropFirst(prefix.count).dropLast("/cotangent".count)
            let source = try subject.point(name)
            let stem = "\(prefix)\(name)/at/"
            let keys = subject.gradients.names.filter { $0.hasPrefix(stem) }
            let points = try Set(keys.map { try subject.point($0.dropFirst(stem.count)) })
            let tape = try subject.tape(
                form, ["seq7"], reading: points, changing: [source], end: source, capacity: 1 << 30)
            var state = try BackwardState(tape, on: subject.compute)
            let cotangent = Tensor(try subject.gradients.floats(key), shape: try subject.gradients.shape(key))
            try state.add(cotangent, of: 0)
            for point in points.sorted(by: >) {
                try state.advance(to: point, on: subject.compute)
                try subject.expect(state.gradient(of: 0), is: stem + point.name)
            }
        }
    }

    /// A sequence's gradients are what it gets alone.
    @Test func sequencesOfABatchKeepApart() throws {
        let subject = try GradientSubject("gpt-neo-3l-local")
        let points = Set(subject.configuration.hookPoints.filter { $0.kind != .tokens })
        func gradients(_ sequences: [String]) throws -> [HookPoint: Tensor] {
            let tape = try subject.tape(
                .processed, sequences, reading: points, end: subject.lastPoint(points), capacity: 0)
            var state = try BackwardState(tape, on: subject.compute)
            let last = sequences.count - 1
            for index in sequences.indices {
                _ = try state.add(subject.lossTerms(of: tape.tokens[index], sequence: index), on: subject.compute)
            }
            var found: [HookPoint: Tensor] = [:]
            for point in points.sorted(by: >) {
                try state.advance(to: point, on: subject.compute)
                found[point] = state.gradient(of: last)
            }
            return found
        }
        let alone = try gradients(["seq7"])
        let together = try gradients(["seq2", "seq24", "seq7"])
        for (point, tensor) in alone {
            let other = try #require(together[point])
            #expect(excess(other.values, over: tensor.values, absolute: 1e-5, relative: 1e-4) <= 0, "\(point)")
        }
    }

    @Test func whatCannotBeIsRefused() throws {
        let subject = try GradientSubject("gpt-neo-1l-16h")
        let tape = try subject.tape(.processed, ["seq7"], reading: [], end: HookPoint(.z, layer: 0), capacity: 0)
        var state = try BackwardState(tape, on: subject.compute)
        #expect(throws: LensError.self) { try state.advance(to: HookPoint(.attnOut, layer: 0), on: subject.compute) }
        #expect(throws: LensError.self) { try state.advance(to: HookPoint(.tokens), on: subject.compute) }
        #expect(throws: LensError.self) { try state.add(Tensor(zeros: [7, 16, 5]), of: 0) }
        #expect(throws: LensError.self) {
            try subject.tape(
                .processed, ["seq7"], reading: [HookPoint(.qInput, layer: 0)],
                changing: [HookPoint(.ln1Scale, layer: 0)], end: HookPoint(.lnFinalNormalized), capacity: 0)
        }
        let whole = try subject.tape(.processed, ["seq7"], reading: [], end: HookPoint(.lnFinalNormalized), capacity: 0)
        var last = try BackwardState(whole, on: subject.compute)
        for term in [
            PredictionTerm(.logit, sequence: 1, position: 0, token: 0, weight: 1),
            PredictionTerm(.logit, sequence: 0, position: 7, token: 0, weight: 1),
            PredictionTerm(.logProbability, sequence: 0, position: 0, token: 320, weight: 1),
            PredictionTerm(.logit, sequence: 0, position: -1, token: 0, weight: 1),
        ] {
            #expect(throws: LensError.self) { _ = try last.add([term], on: subject.compute) }
        }
    }

    @Test func aCancelledPassEnds() throws {
        let subject = try GradientSubject("gpt-neo-1l-16h")
        let control = CallControl()
        let compute = Compute(pool: subject.compute.pool, control: control)
        let tape = try subject.tape(.processed, ["seq7"], reading: [], end: HookPoint(.lnFinalNormalized), capacity: 0)
        var state = try BackwardState(tape, on: compute)
        control.cancel()
        #expect(throws: LensError.cancelled) { try state.advance(to: HookPoint(.embed), on: compute) }
    }
}

/// A fixture checkpoint with the gradients that torch found.
struct GradientSubject {
    let forward: TestModel
    let gradients: ReferenceTensors

    var compute: Compute { forward.compute }
    var configuration: ModelConfiguration { forward.model.configuration }

    init(_ checkpoint: String) throws {
        forward = try TestModel(checkpoint)
        gradients = try ReferenceTensors(path: Fixtures.path(checkpoint + "/gradients.safetensors"))
    }

    func point(_ name: some StringProtocol) throws -> HookPoint {
        try HookPoint.named(String(name), among: configuration.hookPoints)
    }

    /// Where a pass has to begin its way back for terms of predictions.
    func lastPoint(_ points: Set<HookPoint>) -> HookPoint {
        points.contains(HookPoint(.logits)) ? HookPoint(.logits) : HookPoint(.lnFinalNormalized)
    }

    func tape(
        _ form: ModelReference.Form, _ sequences: [String], edits: any PassEdits = NoEdits(),
        reading: Set<HookPoint>, changing: Set<HookPoint> = [], end: HookPoint, capacity: Int
    ) throws -> ForwardTape {
        var tape = try ForwardTape(
            forward.begin(form, sequences: sequences), edits: edits, reading: reading, changing: changing, end: end,
            capacity: capacity)
        while try !tape.record(on: compute) {}
        return tape
    }

    /// The mean loss of one sequence.
    func lossTerms(of tokens: [Int32], sequence: Int = 0) -> [PredictionTerm] {
        tokens.indices.dropLast().map { position in
            PredictionTerm(
                .logProbability, sequence: sequence, position: position, token: Int(tokens[position + 1]),
                weight: -1 / Float(tokens.count - 1))
        }
    }

    /// Within 1e-4 of the largest gradient there, which float32 sums of that size allow.
    func expect(_ found: Tensor, is key: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
        let expected = try gradients.floats(key)
        #expect(found.shape == (try gradients.shape(key)), "\(key)", sourceLocation: sourceLocation)
        let size = expected.reduce(0) { max($0, abs($1)) }
        let worst = excess(found.values, over: expected, absolute: 1e-6 + 1e-4 * size, relative: 1e-4)
        #expect(worst <= 0, "\(key) is off by \(worst) more than allowed, of \(size)", sourceLocation: sourceLocation)
    }
}
