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
        guard run.requestID.count <= 64 else {
            throw .invalidArgument("a request id has at most 64 bytes; received \(run.requestID.count)")
        }
        // Encoded out here: the database's queue only writes.
        let encoded = try EncodedRun(run)
        return try await write { db in
            let earlier = try Self.record(requestID: run.requestID, owner: owner, in: db)
            if let earlier {
                return try earlier.answering(encoded.recipe, run.result.subject, isHooked: run.isHooked)
            }
            let summary = try Self.insert(encoded, of: run, session: session, owner: owner, in: db)
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
        return try await read { db in
            try Self.record(requestID: requestID, owner: owner, in: db)?.answering(recipe, subject, isHooked: false)
        }
    }

    /// One of the caller's runs or sweeps, by its id, by a unique prefix of at least 4 digits, or `last`.
    ///
    /// - Throws: `NOT_FOUND`; `INVALID_ARGUMENT` for a prefix that several runs share or that can be none; `DATA_LOSS`.
    public func run(_ reference: String, owner: UInt32) async throws(LensError) -> RunRecord {
        let wanted = try RunReference(parsing: reference)
        return try await read { db in
            try Self.record(Self.row(of: wanted, written: reference, owner: owner, in: db))
        }
    }

    /// What computes a run's activations again; found as by ``run(_:owner:)``.
    ///
    /// - Throws: also `FAILED_PRECONDITION` for a run in which a hook function took part.
    public func recipe(
        of reference: String, owner: UInt32
    ) async throws(LensError) -> (runID: String, recipe: Recipe) {
        let wanted = try RunReference(parsing: reference)
        return try await read { db in
            let row = try Self.row(of: wanted, written: reference, owner: owner, in: db)
            let id = try Self.identifier(row)
            if try row.decode(Bool.self, forColumn: "hooked") {
                throw LensError(
                    .failedPrecondition,
                    "the activations of run \(id) cannot be computed again: a hook function took part in it, and the "
                        + "daemon does not have it; keep what you need while the run lasts")
            }
            return (id, try Self.recipe(row))
        }
    }

    // MARK: - Writing

    /// A run's blobs and counts, ready to be bound.
    private struct EncodedRun: Sendable {
        let recipe: Recipe
        let tokens: Data
        let interventions: Data
        let result: Data

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
        }
    }

    private static func insert(
        _ encoded: EncodedRun, of run: NewRun, session: SessionName, owner: UInt32, in db: Database
    ) throws -> RunSummary {
        let now = Timestamp.seconds
        let id = RunIdentifier.random()
        let model = run.result.model
        let summary = RunSummary(
            id: id.text, kind: run.result.kind, session: session.text, createdAt: now,
            model: encoded.recipe.model.description, fingerprint: model.fingerprint,
            promptCount: encoded.recipe.tokens.count, tokenCount: encoded.recipe.tokens.reduce(0) { $0 + $1.count },
            excerpt: String(run.excerpt.prefix(NewRun.excerptLength)), loss: run.result.loss, isHooked: run.isHooked,
            edits: RunSummary.editTexts(encoded.recipe.interventions), detail: run.result.detail)
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
                    hooked)
                SELECT ?, owner, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM sessions
                WHERE owner = ? AND name = ?
                """,
            arguments: [
                id.data, summary.kind.rawValue, now, model.name, model.form.rawValue, model.fingerprint,
                summary.promptCount, summary.tokenCount, encoded.tokens, encoded.interventions, summary.excerpt,
                summary.loss, summary.detail, encoded.result, lensdVersion,
                run.requestID.isEmpty ? nil : Data(run.requestID), run.isHooked, owner, session.text,
            ])
        return summary
    }

    // MARK: - Finding

    private static let runColumns = """
        runs.*, sessions.name AS session_name, \(editsColumn)
        FROM runs JOIN sessions ON sessions.owner = runs.owner AND sessions.id = runs.session
        """

    private static func record(requestID: [UInt8], owner: UInt32, in db: Database) throws -> RunRecord? {
        guard !requestID.isEmpty else { return nil }
        return try Row.fetchOne(
            db, sql: "SELECT \(runColumns) WHERE runs.owner = ? AND request_id = ?",
            arguments: [owner, Data(requestID)]
        ).map(record)
    }

    private static func row(
        of reference: RunReference, written text: String, owner: UInt32, in db: Database
    ) throws -> Row {
        let row: Row?
        switch reference {
        case .last:
            row = try Row.fetchOne(
                db, sql: "SELECT \(runColumns) WHERE runs.owner = ? ORDER BY number DESC LIMIT 1", arguments: [owner])
            guard row != nil else { throw LensError.notFound("no run is 'last': you have none yet") }
        case .prefix(let lowest, let highest):
            let bounds: StatementArguments = [owner, lowest.data, highest.data]
            let scope = "runs.owner = ? AND runs.id BETWEEN ? AND ?"
            let count = try Int.fetchOne(db, sql: "SELECT count(*) FROM runs WHERE \(scope)", arguments: bounds) ?? 0
            guard count <= 1 else {
                throw LensError.invalidArgument(
                    "the prefix '\(text)' is shared by \(count) of your runs; give more digits")
            }
            row = try Row.fetchOne(db, sql: "SELECT \(runColumns) WHERE \(scope)", arguments: bounds)
        }
        guard let row else { throw LensError.notFound("no run '\(text)' among your runs") }
        return row
    }

    // MARK: - Rows

    static let summaryColumns = """
        runs.id, kind, sessions.name AS session_name, runs.created, model, form, fingerprint, prompt_count, token_count,
        excerpt, loss, hooked, detail, \(editsColumn)
        """

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
            detail: try row.decode(forColumn: "detail"))
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

    private static func identifier(_ row: Row) throws -> String {
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
