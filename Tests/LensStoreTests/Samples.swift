import LensCore
import LensStore

/// Runs and sweeps with every corner that the store has to keep.
enum Samples {
    static let fingerprint = String(repeating: "ab", count: 32)

    static func run(
        _ session: String = "default", tokens: [[Int32]] = [[0, 17, 4_095]], requestID: String = "",
        interventions: [Intervention] = [], name: String = "tiny", form: ModelReference.Form = .processed,
        isHooked: Bool = false
    ) -> NewRun {
        let recipe = Recipe(
            fingerprint: fingerprint, model: ModelReference(name: name, form: form), tokens: tokens,
            interventions: interventions)
        let prompts = tokens.map { ids in
            PromptResult(
                tokens: ids.map { Token(id: $0, text: "t\($0)\u{0}\u{FFFD}🎈") },
                loss: ids.count > 1 ? 1.0 / 3.0 : .nan,
                perTokenLoss: ids.dropFirst().map { Float($0) / 7 },
                top: [
                    Prediction(token: Token(id: 9, text: " a\n"), logprob: -0.1),
                    .init(token: Token(id: 1, text: ""), logprob: -.infinity),
                ])
        }
        let reply = RunReply(
            runID: "", model: name, form: form, fingerprint: fingerprint, loss: prompts[0].loss, prompts: prompts)
        return NewRun(
            session: session, recipe: recipe, result: .run(reply), excerpt: "Once upon a time", isHooked: isHooked,
            requestID: Array(requestID.utf8))
    }

    static func sweep(_ session: String = "default", hook: String = "z", requestID: String = "") -> NewRun {
        let tokens: [[Int32]] = [[0, 5], [0, 6, 7]]
        let heads = (0..<4).map { (head: Int) -> HeadEffect in
            let delta = Double(head) / 3
            return HeadEffect(
                layer: head / 2, head: head % 2, loss: 2.5 + delta, delta: delta, standardError: head == 0 ? .nan : 0.1,
                promptDeltas: [0.1, -delta])
        }
        let reply = SweepReply(
            runID: "", model: "tiny", form: .raw, fingerprint: fingerprint, action: .mean, hook: hook,
            tokens: tokens.map { $0.map { Token(id: $0, text: "<\($0)>") } }, baselineLoss: 2.5,
            baselineLosses: [2, 3],
            heads: heads)
        let recipe = Recipe(
            fingerprint: fingerprint, model: ModelReference(name: "tiny", form: .raw), tokens: tokens, interventions: []
        )
        return NewRun(
            session: session, recipe: recipe, result: .sweep(reply, of: question(hook)), excerpt: "two",
            requestID: Array(requestID.utf8))
    }

    /// What a sample sweep asks.
    static func question(_ hook: String = "z") -> Sweep {
        .heads(.mean, at: hook == "z" ? .z : .v, layers: 2)
    }

    static func generation(
        _ session: String = "default", options: GenerationOptions = GenerationOptions(maxNewTokens: 3, seed: 5),
        requestID: String = ""
    ) -> NewRun {
        let prompts = [
            Generation(
                tokens: [0, 5, 6, 7].map { Token(id: $0, text: "t\($0)\u{FFFD}") }, promptLength: 2,
                logprobs: [-0.25, -1.0 / 3], text: "ab\u{0}", finishReason: .stop),
            Generation(
                tokens: [0].map { Token(id: $0, text: "") }, promptLength: 1, logprobs: [], text: "",
                finishReason: .context),
        ]
        let reply = GenerateReply(
            runID: "", model: "tiny", form: .raw, fingerprint: fingerprint, options: options, prompts: prompts)
        let recipe = Recipe(
            fingerprint: fingerprint, model: ModelReference(name: "tiny", form: .raw),
            tokens: prompts.map { $0.tokens.map(\.id) }, interventions: [])
        return NewRun(
            session: session, recipe: recipe, result: .generation(reply), excerpt: "Once",
            requestID: Array(requestID.utf8))
    }

    /// Opens the store of a state folder, which first becomes a copy of `after` where that is given.
    static func store(
        _ folder: TemporaryFolder, state: String = "state", after: String? = nil, maximumBytes: Int? = nil,
        migrations: [SchemaMigration] = SchemaMigration.all, accounts: AccountDirectory = AccountDirectory()
    ) throws -> SessionStore {
        if let after { try folder.snapshot(after, to: state) }
        return try SessionStore(
            in: StateFolder(at: "\(folder.path)/\(state)"), maximumBytes: maximumBytes, migrations: migrations,
            accounts: accounts)
    }
}

/// The error that a body throws; `nil` where it throws none.
func lensError<Value>(_ body: () async throws -> Value) async -> LensError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? LensError
    }
}

func startupError<Value>(_ body: () throws -> Value) -> StartupError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? StartupError
    }
}

/// By names and references as they are written; nobody has an account here, so owners are uids.
extension SessionStore {
    func run(_ reference: String, for caller: UInt32) async throws -> RunRecord {
        try await run(RunAddress(parsing: reference) { _ in nil }, for: caller)
    }

    func recipe(
        of reference: String, for caller: UInt32
    ) async throws -> (runID: String, recipe: Recipe, isImported: Bool) {
        try await recipe(of: RunAddress(parsing: reference) { _ in nil }, for: caller)
    }

    func session(
        _ name: String, before: String = "", limit: Int = 0, for caller: UInt32
    ) async throws -> SessionDetail {
        try await session(SessionAddress(parsing: name) { _ in nil }, before: before, limit: limit, for: caller)
    }

    func sessions(for caller: UInt32) async throws -> [SessionSummary] {
        try await sessions(ListSessionsRequest(), for: caller).sessions
    }

    func deleteSession(_ name: String, by caller: UInt32) async throws -> Int {
        try await deleteSession(SessionAddress(parsing: name) { _ in nil }, by: caller)
    }

    func renameSession(_ name: String, to newName: String, by caller: UInt32) async throws {
        try await renameSession(SessionAddress(parsing: name) { _ in nil }, to: newName, by: caller)
    }

    func share(_ name: String, with user: UInt32, by caller: UInt32) async throws -> [SessionGrant] {
        try await share(SessionAddress(parsing: name) { _ in nil }, with: user, by: caller)
    }

    func unshare(_ name: String, with user: UInt32, by caller: UInt32) async throws -> [SessionGrant] {
        try await unshare(SessionAddress(parsing: name) { _ in nil }, with: user, by: caller)
    }

    func grants(of name: String, by caller: UInt32) async throws -> [SessionGrant] {
        try await grants(of: SessionAddress(parsing: name) { _ in nil }, by: caller)
    }

    func setNote(_ text: String, ofSession name: String, by caller: UInt32) async throws -> String {
        try await setNote(text, of: SessionAddress(parsing: name) { _ in nil }, by: caller)
    }

    func setNote(_ text: String, ofRun run: String, by caller: UInt32) async throws -> String {
        try await setNote(text, of: RunAddress(parsing: run) { _ in nil }, by: caller)
    }
}
