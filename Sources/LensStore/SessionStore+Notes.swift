import FoundationEssentials
import GRDB
import LensCore

extension SessionStore {
    /// Writes the note of a session of the caller's; an empty one takes it away. Returns the session's id.
    ///
    /// - Throws: `NOT_FOUND`, `PERMISSION_DENIED` for a session that is only shared, `INVALID_ARGUMENT`.
    public func setNote(
        _ text: String, of address: SessionAddress, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) -> String {
        let note = try NoteText(checking: text)
        let asked = try AskedChange("note", address.text, note.text, requestID: requestID)
        return try await change(asked, as: caller) { db, caller in
            let session = try Self.own(address, to: "write notes on", by: caller, in: db)
            try db.execute(
                sql: "UPDATE sessions SET note = ? WHERE owner = ? AND id = ?",
                arguments: [note.text, session.owner, session.id])
            return MadeChange(subject: session.id)
        } answer: { made, _, _ in
            try RunIdentifier(stored: made.subject).text
        }
    }

    /// Writes the note of a run of the caller's; an empty one takes it away. Returns the run's whole id.
    ///
    /// - Throws: as ``setNote(_:of:requestID:by:)-(String,SessionAddress,_,_)``.
    public func setNote(
        _ text: String, of run: RunAddress, requestID: [UInt8] = [], by caller: UInt32
    ) async throws(LensError) -> String {
        let note = try NoteText(checking: text)
        let asked = try AskedChange("note of a run", run.text, note.text, requestID: requestID)
        return try await change(asked, as: caller) { db, caller in
            let row = try Self.row(of: run, for: caller, in: db)
            let id: Data = try row.decode(forColumn: "id")
            guard try row.decode(UInt32.self, forColumn: "owner") == caller else {
                throw LensError.onlyTheOwner(may: "write notes on", run.text)
            }
            try db.execute(
                sql: "UPDATE runs SET note = ? WHERE owner = ? AND id = ?",
                arguments: [note.text, caller, id])
            return MadeChange(subject: id)
        } answer: { made, _, _ in
            try RunIdentifier(stored: made.subject).text
        }
    }
}
