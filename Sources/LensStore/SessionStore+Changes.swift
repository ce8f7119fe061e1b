import Crypto
import FoundationEssentials
import GRDB
import LensCore

// Changes to sessions, each made once: a retry, told by its request id, is answered as the first try would have been.

/// A change as its caller asks for it.
struct AskedChange: Sendable {
    /// Of the call, the same for each of its tries; empty where there is none.
    let requestID: [UInt8]
    /// Of all that is asked: changes with the same ask for the same.
    fileprivate let question: Data

    /// - Parameter words: the change's name, and all that it depends on.
    /// - Throws: `INVALID_ARGUMENT` for a request id that is too long.
    init(_ words: String..., requestID: [UInt8]) throws(LensError) {
        try RequestID.check(requestID)
        self.requestID = requestID
        var digest = SHA256()
        for word in words { digest.update(data: Array("\(word.utf8.count):\(word)".utf8)) }
        question = Data(digest.finalize())
    }
}

/// What a change was made to: enough to answer it again.
struct MadeChange: Sendable {
    /// The session or run.
    let subject: Data
    /// How much was changed, where somebody asks.
    var count = 0
}

extension SessionStore {
    /// Of so many changes an owner's answers are remembered: retries come within seconds.
    private static let rememberedChanges = 1000

    /// Makes a change unless it was made already, in one transaction with the memory of it, and answers.
    ///
    /// - Parameters:
    ///   - make: what is done once.
    ///   - answer: what is answered every time, of what is there at that time.
    /// - Throws: `INVALID_ARGUMENT` for a request id that was used for something else.
    func change<Answer: Sendable>(
        _ asked: AskedChange, as userID: UInt32,
        make: @Sendable (Database, _ owner: UInt32) throws -> MadeChange,
        answer: @Sendable (MadeChange, Database, _ owner: UInt32) throws -> Answer
    ) async throws(LensError) -> Answer {
        try await write(as: userID) { db, owner in
            if let made = try Self.made(asked, by: owner, in: db) { return try answer(made, db, owner) }
            let made = try make(db, owner)
            try Self.remember(made, asked, by: owner, in: db)
            return try answer(made, db, owner)
        }
    }

    /// What an earlier try has made.
    static func made(_ asked: AskedChange, by owner: UInt32, in db: Database) throws -> MadeChange? {
        guard !asked.requestID.isEmpty else { return nil }
        let row = try Row.fetchOne(
            db, sql: "SELECT question, subject, count FROM changes WHERE owner = ? AND request_id = ?",
            arguments: [owner, Data(asked.requestID)])
        guard let row else { return nil }
        guard try row.decode(Data.self, forColumn: "question") == asked.question else {
            throw RequestID.isTaken()
        }
        return MadeChange(subject: try row.decode(forColumn: "subject"), count: try row.decode(forColumn: "count"))
    }

    private static func remember(
        _ made: MadeChange, _ asked: AskedChange, by owner: UInt32, in db: Database
    ) throws {
        guard !asked.requestID.isEmpty else { return }
        try db.execute(
            sql: "INSERT INTO changes (owner, request_id, question, subject, count) VALUES (?, ?, ?, ?, ?)",
            arguments: [owner, Data(asked.requestID), asked.question, made.subject, made.count])
        try db.execute(
            sql: """
                DELETE FROM changes WHERE owner = :owner AND number <= (
                    SELECT number FROM changes WHERE owner = :owner ORDER BY number DESC LIMIT 1 OFFSET :kept)
                """,
            arguments: ["owner": owner, "kept": rememberedChanges])
    }
}
