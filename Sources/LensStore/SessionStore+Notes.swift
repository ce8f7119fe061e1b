import GRDB
import LensCore

extension SessionStore {
    /// Writes the note of a session of the caller's; an empty one takes it away. Returns the session's id.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared, `INVALID_ARGUMENT`.
    public func setNote(
        _ text: String, of address: SessionAddress, by caller: UInt32
    ) async throws(LensError) -> String {
        let note = try NoteText(checking: text)
        return try await write(as: caller) { db, caller in
            let session = try Self.own(address, to: "write notes on", by: caller, in: db)
            try db.execute(
                sql: "UPDATE sessions SET note = ? WHERE owner = ? AND id = ?",
                arguments: [note.text, session.owner, session.id])
            return try RunIdentifier(stored: session.id).text
        }
    }

    /// Writes the note of a run of the caller's; an empty one takes it away. Returns the run's whole id.
    ///
    /// - Throws: as ``setNote(_:of:by:)-(String,SessionAddress,_)``.
    public func setNote(_ text: String, of run: RunAddress, by caller: UInt32) async throws(LensError) -> String {
        let note = try NoteText(checking: text)
        return try await write(as: caller) { db, caller in
            let row = try Self.row(of: run, for: caller, in: db)
            let id = try Self.identifier(row)
            guard try row.decode(UInt32.self, forColumn: "owner") == caller else {
                throw LensError.onlyTheOwner(may: "write notes on", run.text)
            }
            try db.execute(
                sql: "UPDATE runs SET note = ? WHERE owner = ? AND id = ?",
                arguments: [note.text, caller, try RunIdentifier(parsing: id).data])
            return id
        }
    }
}
