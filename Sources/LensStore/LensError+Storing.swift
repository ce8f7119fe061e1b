import GRDB
import LensCore

extension LensError {
    /// What a failure of the store means to the caller: the one place where SQLite's codes become statuses.
    ///
    /// SQL never reaches the message; the original error is the cause, for the log.
    init(storing error: any Error) {
        switch error {
        case let error as LensError: self = error
        case let error as DatabaseError: self = Self.storing(error)
        case is CancellationError:
            self.init(.cancelled, "the call was cancelled before it reached the disk", cause: error)
        case is RowDecodingError:
            // GRDB's description shows the whole row, and with it what a user typed: it is no cause for the log.
            self.init(.dataLoss, "the session database holds a value of the wrong type")
        default: self.init(.internal, "the session database failed", cause: error)
        }
    }

    private static func storing(_ error: DatabaseError) -> LensError {
        let reason = "\(error.extendedResultCode)"
        switch error.extendedResultCode {
        // Where room is given out late, as on network file systems, its lack shows when the disk is told to keep a write.
        case .SQLITE_FULL, .SQLITE_IOERR_WRITE, .SQLITE_IOERR_FSYNC, .SQLITE_IOERR_DIR_FSYNC, .SQLITE_IOERR_TRUNCATE,
            .SQLITE_IOERR_SHMSIZE, .SQLITE_IOERR_SHMMAP, .SQLITE_IOERR_NOMEM, .SQLITE_NOMEM:
            return LensError(
                .resourceExhausted, "the session database cannot grow: disk, quota or memory is full (\(reason))",
                cause: error)
        case .SQLITE_CORRUPT, .SQLITE_NOTADB, .SQLITE_IOERR_READ, .SQLITE_IOERR_SHORT_READ, .SQLITE_IOERR_CORRUPTFS:
            return LensError(.dataLoss, "the session database is damaged (\(reason))", cause: error)
        case .SQLITE_BUSY, .SQLITE_LOCKED:
            return LensError(
                .unavailable, "the session database is held by another program (\(reason)); try again", cause: error)
        case .SQLITE_INTERRUPT, .SQLITE_ABORT:
            return LensError(.cancelled, "the call was cancelled before it reached the disk", cause: error)
        default:
            return LensError(.internal, "the session database failed (\(reason))", cause: error)
        }
    }
}
