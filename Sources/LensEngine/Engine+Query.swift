import LensCore
import LensModel
import LensTensor

extension Engine {
    /// Bytes of values in one event; they are lent, not copied.
    private static let chunkBytes = 1 << 20

    /// Sends one activation of a recipe, prompt by prompt: from the cache, or computed again.
    ///
    /// - Throws: `NOT_FOUND` for a hook point, `INVALID_ARGUMENT` for a slice or prompt out of range, and what `send`
    ///   throws.
    public func query(
        recipe: Recipe, hook: String, slice: TensorSlice?, prompts: [Int]?, control: CallControl,
        send: (QueryEvent) async throws -> Void
    ) async throws {
        let subject = try await subject(recipe, control: control)
        let point = try HookPoint.named(hook, among: subject.configuration.hookPoints)
        let wanted = prompts ?? Array(recipe.tokens.indices)
        for prompt in wanted where !recipe.tokens.indices.contains(prompt) {
            throw LensError.outOfRange("prompt", prompt, recipe.tokens.indices)
        }
        guard Set(wanted).count == wanted.count else {
            throw LensError.invalidArgument("a query names each prompt once; received \(wanted.count) with repeats")
        }
        // A slice that does not fit is said before anything is computed.
        for prompt in wanted { _ = try axes(slice, subject.shape(of: point.kind, prompt: prompt)) }
        // One prompt after the other where they are large: no more than two are held at a time, the next one and the one
        // whose last values are still on their way.
        let sizes = wanted.map { 4 * subject.shape(of: point.kind, prompt: $0).reduce(1, *) }
        try checkMemory(sizes.max() ?? 0, for: "\(point.name) of one prompt")
        let room = try AnswerReservation(answers, bytes: sizes.sorted(by: >).prefix(2).reduce(0, +))
        for prompt in wanted {
            let tensor = try await activation(point, of: prompt, in: subject, control: control)
            try await self.send(tensor, held: room, point, prompt, slice, subject, send)
        }
    }

    /// Every layer's attention patterns of a recipe's first prompt: per layer `[head, pos, sourcePos]`.
    public func attentionPatterns(recipe: Recipe, control: CallControl) async throws(LensError) -> [[Float]] {
        let subject = try await subject(recipe, control: control)
        let points = (0..<subject.configuration.nLayers).map { HookPoint(.pattern, layer: $0) }
        let bytes = 4 * subject.shape(of: .pattern, prompt: 0).reduce(1, *) * points.count
        try checkMemory(bytes, for: "the patterns of all \(points.count) layers")
        let found = try await passes.run(
            ActivationJob(subject, points: points, prompts: [0]), for: user,
            asking: question(of: points, prompts: [0], in: subject), control: control)
        return (found.first ?? []).map(\.values)
    }

    /// Refuses what would take more memory by itself than there is for all answers together.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` with figures.
    private func checkMemory(_ bytes: Int, for what: String) throws(LensError) {
        guard bytes <= answers.capacity else {
            throw .resourceExhausted(
                "\(what) would take \((bytes + (1 << 20) - 1) >> 20) MiB; expected at most \(answers.capacity >> 20): "
                    + "a shorter prompt takes less")
        }
    }

    // MARK: - Finding

    func activation(
        _ point: HookPoint, of prompt: Int, in subject: PassSubject, control: CallControl
    ) async throws(LensError) -> Tensor {
        guard let tensor = try await activations([point], of: prompt, in: subject, control: control)[point] else {
            throw LensError(.internal, "the pass did not reach \(point.name)")
        }
        return tensor
    }

    /// Several activations of one prompt, from the cache or by one pass.
    func activations(
        _ points: [HookPoint], of prompt: Int, in subject: PassSubject, control: CallControl
    ) async throws(LensError) -> [HookPoint: Tensor] {
        var found: [HookPoint: Tensor] = [:]
        for point in points {
            found[point] = cache.tensor(for: subject.cacheKey(prompt: prompt, point: point), user: user)
        }
        let missing = points.filter { found[$0] == nil }
        guard let last = missing.max() else { return found }
        let computed = Set(companions(of: last, prompt: prompt, in: subject)).union(missing).sorted()
        let tensors = try await passes.run(
            ActivationJob(subject, points: computed, prompts: [prompt]), for: user,
            asking: question(of: computed, prompts: [prompt], in: subject), control: control)
        for (point, tensor) in zip(computed, tensors.first ?? []) {
            cache.insert(tensor, for: subject.cacheKey(prompt: prompt, point: point), users: [user])
            found[point] = tensor
        }
        return found
    }

    private func question(of points: [HookPoint], prompts: [Int], in subject: PassSubject) -> ContentCache.Key {
        subject.question("activations") { content in
            content.add(prompts)
            content.add(points.sorted().map(\.name))
        }
    }

    /// Who asks for one activation of a run mostly asks for others: what a pass comes by is kept, where it is small.
    private func companions(of point: HookPoint, prompt: Int, in subject: PassSubject) -> [HookPoint] {
        let onTheWay = subject.configuration.hookPoints.filter { $0 <= point && (!$0.kind.isOnDemand || $0 == point) }
        let bytes = onTheWay.reduce(0) { $0 + 4 * subject.shape(of: $1.kind, prompt: prompt).reduce(1, *) }
        return bytes <= cache.capacity / 8 ? onTheWay : [point]
    }

    // MARK: - Sending

    private func send(
        _ tensor: Tensor, held room: AnswerReservation, _ point: HookPoint, _ prompt: Int, _ slice: TensorSlice?,
        _ subject: PassSubject,
        _ send: (QueryEvent) async throws -> Void
    ) async throws {
        let axes = try axes(slice, tensor.shape)
        try await send(
            .header(
                TensorHeader(
                    hook: point.name, prompt: prompt, elementType: point.kind.elementType,
                    shape: axes.filter { !$0.isDropped }.map(\.count), model: subject.modelText,
                    fingerprint: subject.recipe.fingerprint, tokens: try subject.tokens(of: prompt))))
        let takesAll = zip(axes, tensor.shape).allSatisfy { $0.count == $1 && $0.step == 1 }
        let values = takesAll ? tensor : tensor.selecting(axes)
        let step = Self.chunkBytes / MemoryLayout<Float>.stride
        for start in stride(from: 0, to: values.count, by: step) {
            let range = start..<min(start + step, values.count)
            try await send(.values(values.valueBytes(range, as: point.kind.elementType, held: room)))
        }
    }

    private func axes(_ slice: TensorSlice?, _ shape: [Int]) throws(LensError) -> [TensorSlice.Axis] {
        try (slice ?? TensorSlice([.ellipsis])).resolved(against: shape)
    }
}

extension PassSubject {
    /// Of one prompt's activation, without batch.
    func shape(of kind: HookKind, prompt: Int) -> [Int] {
        configuration.shape(of: kind, pos: recipe.tokens[prompt].count)
    }
}
