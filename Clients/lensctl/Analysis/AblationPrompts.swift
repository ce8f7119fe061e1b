import LensClient
import LensCore

/// What a sweep runs over: one prompt, or a file of them in groups that fit a call.
struct AblationPrompts {
    let first: Prompt
    /// What the first call is about.
    let firstBatch: [Prompt]
    let count: Int
    private let corpus: Corpus?

    /// Looks through the whole file, so that a bad line is told of before anything is computed.
    init(_ corpus: Corpus) throws(LensError) {
        count = try corpus.check()
        firstBatch = try corpus.nextBatch()
        guard let first = firstBatch.first else { throw corpus.isEmpty }
        self.first = first
        self.corpus = corpus
    }

    init(_ prompt: Prompt) {
        first = prompt
        firstBatch = [prompt]
        count = 1
        corpus = nil
    }

    var isSingleBatch: Bool { firstBatch.count == count }

    /// Hands over the groups, one in memory at a time.
    func forEachBatch(_ body: ([Prompt]) async throws -> Void) async throws {
        guard let corpus else { return try await body(firstBatch) }
        try corpus.rewind()
        while case let batch = try corpus.nextBatch(), !batch.isEmpty { try await body(batch) }
    }
}

extension LensConnection {
    /// Ablates every head over all prompts.
    func ablate(
        _ prompts: AblationPrompts, model: ModelReference, session: String, action: AblationKind,
        on console: Console
    ) async throws -> SweepReply {
        try await sweep(prompts, model: model, session: session, title: "ablating", on: console) { _ in .heads(action) }
    }

    /// A sweep over all prompts, with a progress bar; several calls for a large corpus, pooled exactly.
    ///
    /// - Parameter spec: what is asked about the prompts of one call.
    func sweep(
        _ prompts: AblationPrompts, model: ModelReference, session: String, title: String, on console: Console,
        _ spec: ([Prompt]) async throws -> SweepSpec
    ) async throws -> SweepReply {
        let progress = Progress(title, on: console)
        defer { progress.finish() }
        let isSingle = prompts.isSingleBatch
        var pool = SweepPool()
        var done = 0
        try await prompts.forEachBatch { batch in
            do {
                let request = SweepRequest(
                    model: model, session: session, prompts: batch, sweep: try await spec(batch))
                let reply = try await sweep(request) { [done] variant, variants in
                    // Of a single call the heads are counted, of several the prompts.
                    let part = isSingle ? variant : batch.count * variant / max(variants, 1)
                    progress.update(done: done + part, total: isSingle ? variants : prompts.count)
                }
                try pool.add(reply)
            } catch let error as LensError {
                let place = isSingle ? "" : "prompts \(done + 1) to \(done + batch.count) of \(prompts.count): "
                throw LensError(
                    error.code, place + error.message, retryAfter: error.retryAfter, cause: error.cause)
            }
            done += batch.count
        }
        guard let sweep = pool.pooled else { throw LensError(.internal, "a sweep ended without a result") }
        return sweep
    }
}
