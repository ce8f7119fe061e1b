public import LensCore
internal import LensWire

// The daemon's methods by name. Each throws the call's status as a LensError.

extension LensConnection {
    public func status(options: CallOptions = CallOptions()) async throws(LensError) -> DaemonStatus {
        try await call(.status, EmptyRequest(), options: options)
    }

    /// How much every user has; the administrator's.
    public func usage(options: CallOptions = CallOptions()) async throws(LensError) -> DaemonUsage {
        try await call(.usage, EmptyRequest(), options: options)
    }

    /// What the daemon is working at: the caller's own calls, or everybody's for the administrator.
    public func activity(
        ofAll: Bool = false, options: CallOptions = CallOptions()
    ) async throws(LensError) -> DaemonActivity {
        try await call(.activity, ActivityRequest(ofAll: ofAll), options: options)
    }

    public func listModels(options: CallOptions = CallOptions()) async throws(LensError) -> ModelList {
        try await call(.listModels, EmptyRequest(), options: options)
    }

    /// A model's shape, hook points and weight processing; it is loaded first where it is not resident.
    public func describeModel(
        _ model: ModelReference, options: CallOptions = CallOptions()
    ) async throws(LensError) -> ModelDetail {
        try await call(.describeModel, model, options: options)
    }

    /// Has the daemon read a model that it knows into memory; the administrator's.
    ///
    /// - Parameter onProgress: learns how much of the weights is read.
    public func loadModel(
        _ name: String, options: CallOptions = CallOptions(), onProgress: (LoadProgress) -> Void = { _ in }
    ) async throws(LensError) -> ModelDescription {
        var model: ModelDescription?
        for try await event in try call(.loadModel, ModelNameRequest(name: name), options: options) {
            switch event {
            case .progress(let progress): onProgress(progress)
            case .model(let loaded): model = loaded
            }
        }
        guard let model else { throw LensError(.internal, "the daemon ended the load without a model") }
        return model
    }

    /// Takes a model out of memory; the administrator's. Returns whether passes still hold it.
    public func unloadModel(_ name: String, options: CallOptions = CallOptions()) async throws(LensError) -> Bool {
        try await call(.unloadModel, ModelNameRequest(name: name), options: options)
    }

    /// Gives a model another name; the administrator's.
    public func renameModel(
        _ name: String, to newName: String, options: CallOptions = CallOptions()
    ) async throws(LensError) {
        _ = try await call(.renameModel, RenameModelRequest(name: name, newName: newName), options: options)
    }

    public func tokenize(
        _ request: TokenizeRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> TokenizeReply {
        try await call(.tokenize, request, options: options)
    }

    public func run(_ request: RunRequest, options: CallOptions = CallOptions()) async throws(LensError) -> RunReply {
        try await call(.run, request, options: options)
    }

    /// One activation per prompt, whole.
    public func query(
        _ request: QueryRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [Activation] {
        try await whole(.query, request, options: options) { (events) async throws(LensError) in
            var activations: [Activation] = []
            for try await event in events {
                switch event {
                case .header(let header):
                    try activations.last?.checkComplete()
                    activations.append(Activation(header: header))
                case .values(let bytes):
                    guard let last = activations.indices.last else {
                        throw LensError(.internal, "the daemon sent values before their header")
                    }
                    bytes.withUnsafeBytes { activations[last].bytes.append(contentsOf: $0) }
                }
            }
            try activations.last?.checkComplete()
            return activations
        }
    }

    /// The pieces of a query's answer as they come: for each prompt a header, then its values in order.
    public func queryEvents(
        _ request: QueryRequest, options: CallOptions = CallOptions()
    ) throws(LensError) -> EventStream<QueryEvent> {
        try call(.query, request, options: options)
    }

    /// Makes an edit in many places, each alone, and says what each does to the metrics.
    ///
    /// - Parameter onProgress: learns how many edited sequences are done of how many.
    public func sweep(
        _ request: SweepRequest, options: CallOptions = CallOptions(),
        onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(LensError) -> SweepReply {
        try await whole(.sweep, request, options: options) { (events) async throws(LensError) in
            var reply: SweepReply?
            for try await event in events {
                switch event {
                case .progress(let done, let total): onProgress(done, total)
                case .header(let header): reply = header
                case .values(let part): try reply?.append(part)
                }
            }
            guard let reply else { throw LensError(.internal, "the daemon ended the sweep without a result") }
            try reply.checkComplete()
            return reply
        }
    }

    /// Continues prompts token by token.
    ///
    /// - Parameter onTokens: gets what is new, some tokens of some prompts at a time.
    public func generate(
        _ request: GenerateRequest, options: CallOptions = CallOptions(),
        onTokens: ([GeneratedTokens]) -> Void = { _ in }
    ) async throws(LensError) -> GenerateReply {
        // The same request id makes the same choices: a new try begins with what was given out.
        var news = GenerationNews()
        return try await whole(.generate, request, options: options) { (events) async throws(LensError) in
            var prompts: [Generation] = []
            var end: GenerateReply?
            news.startOver()
            for try await event in events {
                switch event {
                case .tokens(let tokens):
                    let fresh = try news.take(tokens)
                    if !fresh.isEmpty { onTokens(fresh) }
                case .result(let prompt, let result):
                    guard prompt == prompts.count else {
                        throw LensError(.internal, "the daemon sent prompt \(prompt) behind \(prompts.count) others")
                    }
                    prompts.append(result)
                case .end(let reply): end = reply
                }
            }
            guard var end else { throw LensError(.internal, "the daemon ended the generation without a result") }
            end.prompts = prompts
            return end
        }
    }

    public func scoreHeads(
        _ request: HeadScoresRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> HeadScoresReply {
        try await call(.scoreHeads, request, options: options)
    }

    /// What every head of a model does over a corpus, and the page if it was asked for, in UTF-8.
    ///
    /// - Parameter onProgress: learns how much of which part is done.
    public func headAtlas(
        _ request: HeadAtlasRequest, options: CallOptions = CallOptions(),
        onProgress: (_ phase: HeadAtlasPhase, _ done: Int, _ total: Int) -> Void = { _, _, _ in }
    ) async throws(LensError) -> (atlas: HeadAtlas, page: [UInt8]) {
        try await whole(.headAtlas, request, options: options) { (events) async throws(LensError) in
            var atlas: HeadAtlas?
            var page: [UInt8] = []
            for try await event in events {
                switch event {
                case .progress(let phase, let done, let total): onProgress(phase, done, total)
                case .header(let header): atlas = header
                case .heads(let heads): atlas?.heads += heads
                case .page(let bytes): page += bytes
                }
            }
            guard let atlas else { throw LensError(.internal, "the daemon ended the atlas without a result") }
            return (atlas, page)
        }
    }

    /// One self-contained HTML page, in UTF-8.
    public func attentionPage(
        _ request: AttentionPageRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> [UInt8] {
        try await whole(.attentionPage, request, options: options) { (chunks) async throws(LensError) in
            var page: [UInt8] = []
            for try await chunk in chunks { page += chunk }
            return page
        }
    }

    // MARK: - The store, for its administrator

    /// What every account has in the store, and may have.
    public func storeUsage(options: CallOptions = CallOptions()) async throws(LensError) -> StoreUsage {
        try await call(.storeUsage, EmptyRequest(), options: options)
    }

    /// Deletes everything that an account of a uid has.
    public func purge(
        _ request: PurgeRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> PurgeReply {
        try await call(.purge, request, options: options)
    }

    /// Gives what an account left to whoever has the new uid; returns what he has then.
    public func reassign(
        _ request: ReassignRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> StoredAccount {
        try await call(.reassign, request, options: options)
    }

    /// Looks through the whole store.
    public func checkStore(options: CallOptions = CallOptions()) async throws(LensError) -> StoreCheck {
        try await call(.checkStore, EmptyRequest(), options: options)
    }

    /// A copy of the whole store as it is at one moment: its size, then its bytes.
    public func backup(options: CallOptions = CallOptions()) throws(LensError) -> EventStream<BackupEvent> {
        try call(.backup, EmptyRequest(), options: options)
    }
}
