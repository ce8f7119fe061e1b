import LensCheckpoint
import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Testing

/// The edits of `Tests/Fixtures/edits` and what TransformerLens makes of them.
struct EditCases {
    struct Case {
        let form: ModelReference.Form
        let prompts: [String]
        let edits: [String]
        /// Of each prompt: every so-manieth logit after its last token.
        let logits: [[Float]]
        let tokenLosses: [[Float]]
        let loss: Double
    }

    struct Run {
        let prompts: [String]
        let edits: [String]
    }

    let cases: [Case]
    let prompts: [String: [Int32]]
    /// Passes that edits take values from.
    let runs: [String: Run]
    let logitStride: Int
    private let vocabulary: Int

    /// - Parameter vocabulary: the checkpoint's number of tokens.
    init(_ checkpoint: String, vocabulary: Int) throws {
        self.vocabulary = vocabulary
        let results = try ReferenceTensors(path: Fixtures.path("edits/\(checkpoint).safetensors"))
        var records = try Fixtures.json("edits/\(checkpoint).json").elements()[...]
        let first = records.popFirst()
        let header = try #require(first).object()
        let sequences = try header.required("prompts").object().members.mapValues { try $0.integers() }
        prompts = sequences
        runs = try header.required("runs").object().members.mapValues { run in
            let members = try run.object()
            return Run(
                prompts: try members.required("prompts").strings(), edits: try members.required("edits").strings())
        }
        logitStride = try header.required("logit_stride").integer(in: 1...1000)
        let width = try results.shape("logits")[1]
        var logits = try results.floats("logits")[...]
        var tokenLosses = try results.floats("token_loss")[...]
        var losses = try results.floats("loss")[...]
        var cases: [Case] = []
        for record in records {
            let members = try record.object()
            let names = try members.required("prompts").strings()
            let lengths = names.map { sequences[$0]?.count ?? 0 }
            let form = try ModelReference.Form(rawValue: members.required("form").string())
            let loss = losses.popFirst()
            cases.append(
                Case(
                    form: try #require(form), prompts: names,
                    edits: try members.required("edits").strings(),
                    logits: names.map { _ in
                        defer { logits = logits.dropFirst(width) }
                        return Array(logits.prefix(width))
                    },
                    tokenLosses: lengths.map { length in
                        defer { tokenLosses = tokenLosses.dropFirst(length - 1) }
                        return Array(tokenLosses.prefix(length - 1))
                    },
                    loss: Double(try #require(loss))))
        }
        self.cases = cases
    }
}

extension EditCases: EditFiles {
    /// The values that a name stands for, as `edit_passes.py` has them: `v3_7x4` is kind, seed and shape.
    func operand(at name: String) throws(LensError) -> Operand {
        let parts = name.dropFirst().split(separator: "_")
        let shape = parts.last?.split(separator: "x").compactMap { Int($0) } ?? []
        guard parts.count == 2, let seed = Int(parts[0]) else { throw .notFound(name) }
        let vocab = Int32(vocabulary)
        let values = (0..<shape.reduce(1, *)).map { (index: Int) -> Float in
            let number = index * 37 + seed * 11
            let wave = Float(number % 61 - 30) / 32
            return switch name.first {
            case "v": wave
            case "p": 1 + wave / 2
            default: Float(Int32(number) % vocab)
            }
        }
        return try Operand(shape: shape, values: values)
    }

    func prompts(at name: String) throws(LensError) -> [Prompt] {
        guard let run = runs[name] else { throw .notFound(name) }
        return run.prompts.map { .tokens(prompts[$0] ?? []) }
    }
}

extension JSONValue {
    fileprivate func elements() throws(LensError) -> [JSONValue] {
        var elements: [JSONValue] = []
        try forEachElement { elements.append($0) }
        return elements
    }

    fileprivate func strings() throws(LensError) -> [String] {
        try elements().map { (element) throws(LensError) in try element.string() }
    }

    fileprivate func integers() throws(LensError) -> [Int32] {
        try elements().map { (element) throws(LensError) in Int32(try element.integer(in: 0...Int(Int32.max))) }
    }
}
