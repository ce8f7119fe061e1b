import FoundationEssentials
import GRDB
import LensCore

extension SessionStore {
    /// Writes a run or sweep into the caller's session, which is made on first use.
    ///
    /// A retry, told by its request id, writes nothing and answers what was recorded the first time.
    ///
    /// - Throws: `INVALID_ARGUMENT` for an impossible session name, for a request id that is too long or that was used
    ///   for something else; `RESOURCE_EXHAUSTED`, `DATA_LOSS`.
    public func record(_ run: NewRun, owner: UInt32) async throws(LensError) -> RunRecord {
        let session = try SessionName(checking: run.session)
        try RequestID.check(run.requestID)
        // Encoded out here: the database's queue only writes.
        let encoded = try EncodedRun(run)
        return try await write(as: owner) { db, number in
            let earlier = try Self.record(requestID: run.requestID, owner: number, in: db)
            if let earlier {
                return try earlier.answering(encoded.recipe, run.result.subject, isHooked: run.isHooked)
            }
            var summary = try Self.insert(encoded, of: run, session: session, owner: number, in: db)
            summary.owner = owner
            return RunRecord(
                summary: summary, recipe: encoded.recipe, result: run.result.with(runID: summary.id),
                lensdVersion: lensdVersion)
        }
    }

    /// What an earlier call with this request id recorded, so that a retry need not compute again; `nil` for none.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the earlier call asked something else.
    public func earlierRun(
        requestID: [UInt8], recipe: Recipe, subject: RunSubject, owner: UInt32
    ) async throws(LensError) -> RunRecord? {
        guard !requestID.isEmpty else { return nil }
        return try await read(as: owner) { db, owner in
            try Self.record(requestID: requestID, owner: owner, in: db)?.answering(recipe, subject, isHooked: false)
        }
    }

    /// A run or sweep that the caller may read.
    ///
    /// - Throws: `NOT_FOUND`; `INVALID_ARGUMENT` for a prefix that several runs share; `DATA_LOSS`.
    public func run(_ run: RunAddress, for caller: UInt32) async throws(LensError) -> RunRecord {
        try await read(as: caller) { db, caller in try Self.record(Self.row(of: run, for: caller, in: db)) }
    }

    /// What computes a run's activations again; found as by ``run(_:for:)``.
    ///
    /// An imported recipe was made by nobody who is known: it is to be held against its model before it is used.
    ///
    /// - Throws: also `FAILED_PRECONDITION` for a run in which a hook function took part.
    public func recipe(
        of run: RunAddress, for caller: UInt32
    ) async throws(LensError) -> (runID: String, recipe: Recipe, isImported: Bool) {
        try await read(as: caller) { db, caller in
            let row = try Self.row(of: run, for: caller, in: db)
            let id = try Self.identifier(row)
            if try row.decode(Bool.self, forColumn: "hooked") {
                throw LensError(
                    .failedPrecondition,
                    "the activations of run \(id) cannot be computed again: a hook function took part in it, and the "
                        + "daemon does not have it; keep what you need while the run lasts")
            }
            return (id, try Self.recipe(row), try row.decode(Double?.self, forColumn: "imported") != nil)
        }
    }

    /// Looks before a run is computed whether it can be written: whether a session can have the name, and whether the
    /// quotas leave room. A retry of what is recorded already needs none.
    ///
    /// - Throws: `INVALID_ARGUMENT`, `RESOURCE_EXHAUSTED`.
    public func checkRecording(
        into session: String, requestID: [UInt8] = [], owner: UInt32
    ) async throws(LensError) {
        let name = try SessionName(checking: session)
        let quota = self.quota
        try await read(as: owner) { db, owner in
            try Self.checkRecording(into: name, owner: owner, in: db)
            let isRetry = try Bool.fetchOne(
                db, sql: "SELECT EXISTS (SELECT 1 FROM runs WHERE owner = ? AND request_id = ?)",
                arguments: [owner, Data(requestID)])
            if isRetry != true { try Self.checkRoom(inSession: name, of: owner, quota, in: db) }
        }
    }

    /// Sessions of the time when names could have a `/` go on; new ones are made without.
    private static func checkRecording(into name: SessionName, owner: UInt32, in db: Database) throws {
        guard name.text.contains("/") else { return }
        let isThere = try Bool.fetchOne(
            db, sql: "SELECT EXISTS (SELECT 1 FROM sessions WHERE owner = ? AND name = ?)",
            arguments: [owner, name.text])
        if isThere != true { _ = try SessionName(new: name.text) }
    }

    // MARK: - Writing

    /// A run's blobs and counts, ready to be bound.
    struct EncodedRun: Sendable {
        let recipe: Recipe
        let tokens: Data
        let interventions: Data
        let result: Data
        let effects: Data?

        init(_ run: NewRun) throws(LensError) {
            let model = run.result.model
            recipe = Recipe(
                fingerprint: model.fingerprint, model: ModelReference(name: model.name, form: model.form),
                tokens: run.recipe.tokens, interventions: run.recipe.interventions)
            guard run.recipe.fingerprint == model.fingerprint, recipe.tokens == run.result.tokens.map({ $0.map(\.id) })
            else {
                throw LensError(.internal, "a result does not belong to the recipe it is recorded with")
            }
            tokens = TokensCoding.encode(recipe.tokens)
            interventions = try InterventionsCoding.encode(recipe.interventions)
            result = try ResultCoding.encode(run.result)
            effects = try EffectsCoding.encode(run.result.effects)
        }
    }

    /// - Parameter file: what a file says of the run, where it came from one.
    static func insert(
        _ encoded: EncodedRun, of run: NewRun, from file: ImportedRun? = nil, session: SessionName, owner: UInt32,
        in db: Database
    ) throws -> RunSummary {
        try checkRecording(into: session, owner: owner, in: db)
        let now = Timestamp.seconds
        let id = RunIdentifier.random()
        let model = run.result.model
        let summary = RunSummary(
            id: id.text, kind: run.result.kind, session: session.text, createdAt: file?.createdAt ?? now,
            model: encoded.recipe.model.description, fingerprint: model.fingerprint,
            promptCount: encoded.recipe.tokens.count, tokenCount: encoded.recipe.tokens.reduce(0) { $0 + $1.count },
            excerpt: String(run.excerpt.prefix(NewRun.excerptLength)), loss: run.result.loss, isHooked: run.isHooked,
            edits: RunSummary.editTexts(encoded.recipe.interventions), detail: run.result.detail,
            note: file?.note ?? "", effects: run.result.effects, isImported: file != nil)
        try db.execute(
            sql: """
                INSERT INTO sessions (id, owner, name, created, updated) VALUES (?, ?, ?, ?, ?)
                ON CONFLICT (owner, name) DO UPDATE SET updated = excluded.updated
                """,
            arguments: [RunIdentifier.random().data, owner, session.text, now, now])
        try db.execute(
            sql: """
                INSERT INTO runs (id, owner, session, kind, created, model, form, fingerprint, prompt_count,
                    token_count, tokens, interventions, excerpt, loss, detail, result, lensd_version, request_id,
                    hooked, effects, note, imported)
                SELECT ?, owner, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM sessions
                WHERE owner = ? AND name = ?
                """,
            arguments: [
                id.data, summary.kind.rawValue, summary.createdAt, model.name, model.form.rawValue, model.fingerprint,
                summary.promptCount, summary.tokenCount, encoded.tokens, encoded.interventions, summary.excerpt,
                summary.loss, summary.detail, encoded.result, file?.lensdVersion ?? lensdVersion,
                run.requestID.isEmpty ? nil : Data(run.requestID), run.isHooked, encoded.effects, summary.note,
                file == nil ? nil : now, owner, session.text,
            ])
        return summary
    }

    // MARK: - Finding

    private static let runColumns = """
        runs.*, sessions.name AS session_name, \(ownerColumn), \(editsColumn)
        FROM runs JOIN sessions ON sessions.owner = runs.owner AND sessions.id = runs.session
        """

    private static func record(requestID: [UInt8], owner: UInt32, in db: Database) throws -> RunRecord? {
        guard !requestID.isEmpty else { return nil }
        return try Row.fetchOne(
            db, sql: "SELECT \(runColumns) WHERE runs.owner = ? AND request_id = ?",
            arguments: [owner, Data(requestID)]
        ).map(record)
    }

    static func row(of run: RunAddress, for caller: UInt32, in db: Database) throws -> Row {
        guard let address = run.session else {
            let own = "runs.owner = :caller"
            if let row = try row(of: run, where: own, ["caller": caller], among: "of your runs", in: db) { return row }
            guard case .prefix = run.reference else { throw LensError.notFound("no run is 'last': you have none yet") }
            let shared = """
                (runs.owner, runs.session) IN (SELECT owner, session FROM grants WHERE grantee = :caller)
                """
            let row = try row(of: run, where: shared, ["caller": caller], among: "runs shared with you", in: db)
            guard let row else { throw LensError.notFound("no run '\(run.text)' among your runs") }
            return row
        }
        let session = try readable(address, by: caller, in: db)
        let row = try row(
            of: run, where: "runs.owner = :owner AND runs.session = :session",
            ["owner": session.owner, "session": session.id], among: "runs of session '\(address.text)'", in: db)
        guard let row else { throw LensError.notFound("no run '\(run.text)' in session '\(address.text)'") }
        return row
    }

    /// - Throws: `INVALID_ARGUMENT` where several of these runs have the prefix.
    private static func row(
        of run: RunAddress, where scope: String, _ arguments: StatementArguments, among place: String, in db: Database
    ) throws -> Row? {
        guard case .prefix(let lowest, let highest) = run.reference else {
            return try Row.fetchOne(
                db, sql: "SELECT \(runColumns) WHERE \(scope) ORDER BY number DESC LIMIT 1", arguments: arguments)
        }
        let bounded = "\(scope) AND runs.id BETWEEN :lowest AND :highest"
        let arguments = arguments &+ ["lowest": lowest.data, "highest": highest.data]
        let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM runs WHERE \(bounded)", arguments: arguments) ?? 0
        guard count <= 1 else {
            throw LensError.invalidArgument("the prefix '\(run.text)' is shared by \(count) \(place); give more digits")
        }
        return try Row.fetchOne(db, sql: "SELECT \(runColumns) WHERE \(bounded)", arguments: arguments)
    }

    // MARK: - Rows

    static let summaryColumns = """
        runs.id, kind, sessions.name AS session_name, runs.created, model, form, fingerprint, prompt_count, token_count,
        excerpt, loss, hooked, detail, substr(runs.note, 1, \(NoteText.shownLength)) AS note, effects, imported, \(ownerColumn),
        \(editsColumn)
        """

    /// Whose a run is, by uid.
    private static let ownerColumn = "(SELECT uid FROM owners WHERE owners.number = runs.owner) AS owner_uid"

    /// What lists say of edits; those with many values are not read.
    private static let editsColumn = "CASE WHEN length(interventions) <= 16384 THEN interventions END AS edits"

    static func runSummary(_ row: Row) throws -> RunSummary {
        let kind: String = try row.decode(forColumn: "kind")
        guard let kind = RunSummary.Kind(rawValue: kind) else {
            throw LensError.dataLoss("a stored run is of the unknown kind \(kind.quotedForMessage)")
        }
        return RunSummary(
            id: try identifier(row), kind: kind,
            session: try row.decode(forColumn: "session_name"), createdAt: try row.decode(forColumn: "created"),
            model: try model(row).description, fingerprint: try row.decode(forColumn: "fingerprint"),
            promptCount: try row.decode(forColumn: "prompt_count"),
            tokenCount: try row.decode(forColumn: "token_count"),
            excerpt: try row.decode(forColumn: "excerpt"),
            loss: try row.decode(Double?.self, forColumn: "loss") ?? .nan,
            isHooked: try row.decode(forColumn: "hooked"), edits: try edits(row),
            detail: try row.decode(forColumn: "detail"), note: try row.decode(forColumn: "note"),
            effects: try row.decode(Data?.self, forColumn: "effects").map(EffectsCoding.decode) ?? [],
            isImported: try row.decode(Double?.self, forColumn: "imported") != nil,
            owner: try row.decode(forColumn: "owner_uid"))
    }

    private static func edits(_ row: Row) throws -> [String] {
        guard let stored: Data = try row.decode(forColumn: "edits") else { return ["edits with many values"] }
        return RunSummary.editTexts(try InterventionsCoding.decode(stored))
    }

    private static func model(_ row: Row) throws -> ModelReference {
        let form: String = try row.decode(forColumn: "form")
        guard let form = ModelReference.Form(rawValue: form) else {
            throw LensError.dataLoss("a stored run has a model of the unknown form \(form.quotedForMessage)")
        }
        return ModelReference(name: try row.decode(forColumn: "model"), form: form)
    }

    static func identifier(_ row: Row) throws -> String {
        try RunIdentifier(stored: row.decode(forColumn: "id")).text
    }

    private static func recipe(_ row: Row) throws -> Recipe {
        Recipe(
            fingerprint: try row.decode(forColumn: "fingerprint"), model: try model(row),
            tokens: try TokensCoding.decode(row.decode(forColumn: "tokens")),
            interventions: try InterventionsCoding.decode(row.decode(forColumn: "interventions")))
    }

    private static func record(_ row: Row) throws -> RunRecord {
        let summary = try runSummary(row)
        let recipe = try recipe(row)
        return RunRecord(
            summary: summary, recipe: recipe,
            result: try ResultCoding.decode(row.decode(forColumn: "result"), of: summary, recipe: recipe),
            lensdVersion: try row.decode(forColumn: "lensd_version"))
    }
}
