import LensCore

extension Engine {
    /// Activations, reduced where they are computed.
    ///
    /// - Throws: `NOT_FOUND` for a hook point, `INVALID_ARGUMENT` for a reduction that it does not have, and for what is
    ///   too much for one reply.
    public func reduce(
        _ request: ReductionRequest, recipe: Recipe, control: CallControl
    ) async throws(LensError) -> ReductionReply {
        let subject = try await subject(recipe, control: control)
        let items = try reductionItems(request.reductions, of: subject)
        let prompts = try await reduced(items, of: subject, control: control)
        var reduced: [ReducedPrompt] = []
        for (index, activations) in prompts.enumerated() {
            reduced.append(ReducedPrompt(tokens: try subject.tokens(of: index), activations: activations))
        }
        return ReductionReply(
            model: subject.name, form: recipe.model.form, fingerprint: recipe.fingerprint, prompts: reduced)
    }

    /// Per prompt, what the items make of its activations.
    func reduced(
        _ items: [ReductionJob.Item], of subject: PassSubject, control: CallControl
    ) async throws(LensError) -> [[ReducedActivation]] {
        try await passes.run(
            ReductionJob(subject, items), for: user,
            asking: subject.question("reductions") { content in
                for item in items {
                    content.add(item.point.name)
                    content.add([item.reduction, item.kind.rawValue, item.offset, item.count])
                }
            }, control: control
        ).prompts
    }

    private func reductionItems(
        _ reductions: [Reduction], of subject: PassSubject
    ) throws(LensError) -> [ReductionJob.Item] {
        let c = subject.configuration
        guard (1...64).contains(reductions.count) else {
            throw .invalidArgument("1...64 reductions go in one call; received \(reductions.count)")
        }
        var items: [ReductionJob.Item] = []
        for (index, reduction) in reductions.enumerated() {
            for point in try points(reduction.hook, in: c) {
                items.append(
                    ReductionJob.Item(
                        reduction: index, kind: reduction.kind, point: point, offset: reduction.offset,
                        count: reduction.count))
            }
        }
        var values = 0
        for tokens in subject.recipe.tokens {
            for item in items {
                try check(item, length: tokens.count)
                // Of the largest entries where each lies too.
                values += 3 * item.shape(of: c.shape(of: item.point.kind, pos: tokens.count)).reduce(1, *)
            }
        }
        guard values <= 3 * Self.maximumValues else {
            throw .invalidArgument(
                "one reply has at most \(Self.maximumValues) numbers; these reductions give \(values / 3)")
        }
        return items
    }

    /// The points that a name means; one without a layer those of every layer.
    private func points(_ name: String, in c: ModelConfiguration) throws(LensError) -> [HookPoint] {
        let all = c.hookPoints
        if let first = try? HookPoint.named(name, layer: 0, among: all), first.kind.isPerLayer {
            return all.filter { $0.kind == first.kind }
        }
        return [try HookPoint.named(name, among: all)]
    }

    private func check(_ item: ReductionJob.Item, length: Int) throws(LensError) {
        let isSquare = item.point.kind.axes.contains { if case .sourcePos = $0 { true } else { false } }
        switch item.kind {
        case .diagonal, .diagonalMean:
            guard isSquare else {
                throw .invalidArgument("diagonals are of scores and patterns; received \(item.point.name)")
            }
            guard (1 - length...0).contains(item.offset) else {
                throw .invalidArgument(
                    "the offset of a diagonal must be in \(1 - length)...0 for \(length) tokens; received \(item.offset)"
                )
            }
        case .top:
            guard (1...10_000).contains(item.count) else {
                throw .outOfRange("count", item.count, 1..<10_001)
            }
        case .entropy, .norm, .mean, .max: break
        }
    }
}
