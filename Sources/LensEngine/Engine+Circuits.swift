import LensCore
import LensModel
import LensTensor

extension Engine {
    /// The most entries of one answer.
    private static let maximumEntries = 1 << 18

    /// Heads' circuits: their eigenvalues, and their largest entries.
    ///
    /// - Parameter progress: called from the engine's thread with thousandths of the work.
    /// - Throws: `NOT_FOUND` for the model, `INVALID_ARGUMENT` for what is out of range or too much for one call,
    ///   `RESOURCE_EXHAUSTED` for rows that take too much memory, `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func circuits(
        _ request: CircuitRequest, control: CallControl, progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> HeadCircuits {
        let subject = try weightSubject(request.model)
        let heads = try heads(of: request, subject.configuration)
        try check(request, heads: heads.count, subject.configuration)
        let c = subject.configuration
        let shares = SharedProgress(
            [
                VocabularyCoreJob.operations(c), CircuitSpectraJob.operations(c, heads: heads.count),
                Self.operations(of: request, heads: heads.count, c),
            ], progress)
        var found = try await spectra(
            request.kind, of: subject, heads: heads, control: control,
            progress: { shares.tell($0 == .core ? 0 : 1, $1, $2) })
        if request.topCount > 0 {
            let entries = try await entries(of: request, subject, heads: heads, control: control) {
                shares.tell(2, $0, $1)
            }
            for (index, head) in entries.heads.enumerated() {
                try control.check()
                found[index].entries = try named(head, subject.model)
            }
        }
        return HeadCircuits(
            model: subject.name, form: request.model.form, fingerprint: subject.recipe.fingerprint, kind: request.kind,
            heads: found)
    }

    /// Which half of the way to eigenvalues.
    enum SpectraPhase { case core, heads }

    /// The eigenvalues of heads' circuits, without entries.
    func spectra(
        _ kind: CircuitKind, of subject: PassSubject, heads: [HeadPlace], control: CallControl,
        progress: @escaping @Sendable (SpectraPhase, Int, Int) -> Void
    ) async throws(LensError) -> [HeadCircuit] {
        let question = subject.question("circuit spectra") { content in
            content.add(kind.rawValue)
            content.add(heads.flatMap { [$0.layer, $0.head] })
        }
        // A large model's product is not kept for long, the eigenvalues are: then there is no need of it.
        let core =
            !recomputes && cache.contains([question])
            ? nil
            : try await passes.run(
                VocabularyCoreJob(kind, of: subject), for: user,
                asking: subject.question("vocabulary core") { $0.add(kind.rawValue) }, takesKept: !recomputes,
                control: control, progress: { progress(.core, $0, $1) }
            ).matrix
        return try await passes.run(
            CircuitSpectraJob(kind, of: subject, heads: heads, core: core), for: user, asking: question,
            takesKept: !recomputes, control: control, progress: { progress(.heads, $0, $1) }
        ).heads
    }

    private func entries(
        of request: CircuitRequest, _ subject: PassSubject, heads: [HeadPlace], control: CallControl,
        progress: @escaping @Sendable (Int, Int) -> Void
    ) async throws(LensError) -> CircuitEntries {
        let question = subject.question("circuit entries") { content in
            content.add([request.kind.rawValue, request.topCount, request.wantsSmallest ? 1 : 0])
            content.add(heads.flatMap { [$0.layer, $0.head] })
            content.add(request.tokens)
        }
        if request.tokens.isEmpty {
            return try await passes.run(
                CircuitPairsJob(request, heads: heads, of: subject), for: user, asking: question,
                takesKept: !recomputes, control: control, progress: progress)
        }
        return try await passes.run(
            CircuitRowsJob(request, heads: heads, of: subject), for: user, asking: question, takesKept: !recomputes,
            control: control, progress: progress)
    }

    private func named(
        _ entries: [CircuitEntries.Entry], _ model: LanguageModel
    ) throws(LensError) -> [CircuitEntry] {
        var named: [CircuitEntry] = []
        named.reserveCapacity(entries.count)
        for entry in entries {
            let tokens = try model.tokens([entry.row, entry.column])
            named.append(CircuitEntry(row: tokens[0], column: tokens[1], value: entry.value))
        }
        return named
    }

    // MARK: - What is asked

    /// A model's form with no prompt.
    func weightSubject(_ reference: ModelReference) throws(LensError) -> PassSubject {
        let entry = try models.model(for: reference)
        return try passSubject(
            Recipe(
                fingerprint: entry.model.fingerprint, model: ModelReference(name: entry.name, form: reference.form),
                tokens: [], interventions: []))
    }

    private func heads(
        of request: CircuitRequest, _ c: ModelConfiguration
    ) throws(LensError) -> [HeadPlace] {
        if request.heads.isEmpty { return c.headPlaces }
        guard request.heads.count <= c.headCount else {
            throw .invalidArgument("the model has \(c.headCount) heads; received \(request.heads.count) of them")
        }
        for place in request.heads {
            try check(place.layer, in: c.nLayers, "layer")
            try check(place.head, in: c.nHeads, "head")
        }
        return request.heads
    }

    private func check(_ request: CircuitRequest, heads: Int, _ c: ModelConfiguration) throws(LensError) {
        guard (0...CircuitRequest.maximumTop).contains(request.topCount) else {
            throw .outOfRange("top_count", request.topCount, 0..<CircuitRequest.maximumTop + 1)
        }
        try check(request.tokens, in: c)
        let rows = heads * max(request.tokens.count, 1)
        guard rows * request.topCount <= Self.maximumEntries else {
            throw .invalidArgument(
                "one answer has at most \(Self.maximumEntries) entries; received \(request.topCount) of each of "
                    + "\(rows) rows: name fewer heads or tokens")
        }
        guard request.topCount == 0 || request.tokens.isEmpty || rows <= RowBudget.bytes / (4 * c.dModel) else {
            throw .resourceExhausted(
                "\(rows) rows of the residual stream take more than \(RowBudget.bytes >> 20) MiB: name fewer heads or "
                    + "tokens")
        }
        let operations = Self.operations(of: request, heads: heads, c)
        guard operations <= SweepCost.maximumOperations else {
            throw .invalidArgument(
                "all entries of \(heads) heads' circuits over \(c.dVocab) tokens take about "
                    + "\(Int((operations / 3.6e14).rounded(.up))) hours at 100 GFLOP/s; at most "
                    + "\(Int(SweepCost.maximumOperations / 3.6e14)) are allowed: name fewer heads, or tokens")
        }
    }

    private static func operations(of request: CircuitRequest, heads: Int, _ c: ModelConfiguration) -> Double {
        if request.topCount == 0 { return 0 }
        if request.tokens.isEmpty { return CircuitPairsJob.operations(c, heads: heads) }
        return CircuitRowsJob.operations(c, rows: heads * request.tokens.count)
    }
}

/// Several jobs' progress as one, in thousandths of the operations of all.
private struct SharedProgress: Sendable {
    private let operations: [Double]
    private let progress: @Sendable (Int, Int) -> Void

    init(_ operations: [Double], _ progress: @escaping @Sendable (Int, Int) -> Void) {
        self.operations = operations
        self.progress = progress
    }

    func tell(_ job: Int, _ done: Int, _ total: Int) {
        let before = operations[..<job].reduce(0, +)
        let share = before + operations[job] * Double(done) / Double(max(total, 1))
        progress(Int(1000 * share / max(operations.reduce(0, +), 1)), 1000)
    }
}

extension ModelConfiguration {
    /// Every head, in the order of layers and heads.
    var headPlaces: [HeadPlace] {
        (0..<nLayers).flatMap { layer in (0..<nHeads).map { HeadPlace(layer: layer, head: $0) } }
    }
}
