import LensCore
import LensModel

/// A gradient request held against its model and prompts: what may be wrong with it is said here.
struct GradientPlan {
    /// Names in one request, and terms.
    private static let maximumNames = 4096
    private static let maximumTerms = 1 << 16
    /// Bytes for what the way back would otherwise compute again.
    static let tapeCapacity = 256 << 20
    /// Bytes that one gradient may take beside the model.
    static let maximumBytes = 1 << 30

    let terms: [GradientTerm]
    /// In the order in which the client sends their values.
    let cotangents: [HookPoint]
    let replacements: [HookPoint]
    let wanted: Set<HookPoint>
    let stops: Set<HookPoint>
    /// Where the way back begins.
    let end: HookPoint

    /// - Throws: `NOT_FOUND` for a name; `INVALID_ARGUMENT` for points without gradient, for one that is named twice or
    ///   lies behind everything that the scalar is made of, and for a request without a scalar.
    init(_ request: GradientRequest, for subject: PassSubject) throws(LensError) {
        let configuration = subject.configuration
        func points(_ names: [String], _ field: String) throws(LensError) -> [HookPoint] {
            guard names.count <= Self.maximumNames else {
                throw .invalidArgument("\(field) has at most \(Self.maximumNames) names; received \(names.count)")
            }
            var points: [HookPoint] = []
            for name in names {
                let point = try HookPoint.named(name, among: configuration.hookPoints)
                guard point.kind != .tokens else {
                    throw .invalidArgument("\(point.name) holds token ids, which have no gradient (\(field))")
                }
                guard !points.contains(point) else {
                    throw .invalidArgument("\(field) names each point once; received \(point.name) twice")
                }
                points.append(point)
            }
            return points
        }
        guard request.terms.count <= Self.maximumTerms else {
            throw .invalidArgument("a gradient has at most \(Self.maximumTerms) terms; received \(request.terms.count)")
        }
        for (index, term) in request.terms.enumerated() where !term.weight.isFinite {
            throw .invalidArgument("the weight of term \(index) must be a finite number; received \(term.weight)")
        }
        terms = request.terms
        cotangents = try points(request.cotangents, "cotangents")
        replacements = try points(request.replacements, "replacements")
        wanted = Set(try points(request.wanted, "wanted"))
        let asked = Set(try points(request.stops, "stops"))
        let edited = Set(subject.plan.points).union(replacements)
        let seesLogits = wanted.union(asked).union(cotangents).union(edited).contains(HookPoint(.logits))
        if !terms.isEmpty {
            end = seesLogits ? HookPoint(.logits) : subject.configuration.pointBeforeLogits
        } else if let last = cotangents.max() {
            end = last
        } else {
            throw .invalidArgument("a gradient needs terms or cotangents to be the gradient of; received neither")
        }
        if let point = wanted.sorted().last, point > end {
            throw .invalidArgument(
                "nothing that the gradient is taken of depends on \(point.name): the last point that matters is \(end)")
        }
        // The way back never comes to a later one, and so nobody is asked.
        stops = asked.filter { [end] in $0 <= end }
    }

    var changing: Set<HookPoint> { stops.union(cotangents) }

    /// Where the way back is looked at, the last point of the pass first.
    var visits: [HookPoint] { changing.union(wanted).sorted(by: >) }

    /// About what the gradient takes beside the model, in bytes.
    func predictedBytes(of subject: PassSubject) -> Int {
        let lengths = subject.recipe.tokens.map(\.count)
        let named = changing.union(wanted).union(subject.plan.points).union(replacements)
        func bytes(_ points: [HookPoint]) -> Int {
            points.reduce(0) { total, point in
                lengths.reduce(total) { $0 + 4 * subject.configuration.shape(of: point.kind, pos: $1).reduce(1, *) }
            }
        }
        return ForwardTape.predictedBytes(
            subject.configuration, lengths: lengths, named: named, capacity: Self.tapeCapacity)
            + bytes(cotangents) + bytes(replacements) + (visits.map { bytes([$0]) }.max() ?? 0)
    }

    /// The terms as the model takes them.
    ///
    /// - Parameter tokens: of each sequence, as run.
    /// - Throws: `INVALID_ARGUMENT` for a position out of range, and for the loss of prompts without predictions.
    func predictionTerms(_ tokens: [[Int32]]) throws(LensError) -> [PredictionTerm] {
        var result: [PredictionTerm] = []
        for term in terms {
            switch term.quantity {
            case .loss(let isSum):
                let count = tokens.reduce(0) { $0 + $1.count - 1 }
                guard count > 0 else {
                    throw .invalidArgument("prompts of single tokens predict nothing and have no loss")
                }
                let weight = isSum ? -term.weight : -term.weight / Float(count)
                for (sequence, ids) in tokens.enumerated() {
                    for (position, next) in ids.dropFirst().enumerated() {
                        result.append(
                            PredictionTerm(
                                .logProbability, sequence: sequence, position: position, token: Int(next),
                                weight: weight))
                    }
                }
            case .logit(let prompt, let position, let token):
                result.append(try prediction(.logit, prompt, position, token, term.weight, tokens))
            case .logProbability(let prompt, let position, let token):
                result.append(try prediction(.logProbability, prompt, position, token, term.weight, tokens))
            }
        }
        return result
    }

    private func prediction(
        _ quantity: PredictionTerm.Quantity, _ prompt: Int, _ position: Int, _ token: Int, _ weight: Float,
        _ tokens: [[Int32]]
    ) throws(LensError) -> PredictionTerm {
        guard tokens.indices.contains(prompt) else { throw .outOfRange("a term's prompt", prompt, tokens.indices) }
        let resolved = try Indices.index(position).resolved(count: tokens[prompt].count, "position")
        return PredictionTerm(
            quantity, sequence: prompt, position: resolved.first ?? 0, token: token, weight: weight)
    }
}
