@preconcurrency import Dispatch
import Glibc
import LensCore
import Synchronization

/// The names of the accounts behind uids, asked of the system off every path that must not wait for it.
///
/// A name is remembered for some seconds, and no longer than `/etc/passwd` stays the file that it is: an account that
/// is made there anew is seen by the next call.
package final class AccountDirectory: Sendable {
    /// Gives the name of a uid's account, `nil` where it has none; may block.
    ///
    /// - Throws: `UNAVAILABLE` where the system cannot tell.
    package typealias Lookup = @Sendable (UInt32) throws(LensError) -> String?

    private struct Remembered {
        var account: Account
        var until: ContinuousClock.Instant
        var version: FileVersion?
    }

    /// Tells one state of a file from another.
    private struct FileVersion: Equatable {
        var device: dev_t
        var inode: ino_t
        var size: off_t
        var seconds: time_t
        var nanoseconds: Int

        init?(of path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            (device, inode, size) = (status.st_dev, status.st_ino, status.st_size)
            (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
        }
    }

    private static let rememberedCount = 4096
    private let lookup: Lookup
    private let patience: Duration
    private let file: String
    private let remembered = Mutex<[UInt32: Remembered]>([:])

    /// - Parameters:
    ///   - patience: how long a name is believed.
    ///   - file: what is believed only as long as it stays unchanged.
    package init(
        patience: Duration = .seconds(10), file: String = "/etc/passwd",
        lookup: @escaping Lookup = { (userID) throws(LensError) in try AccountDirectory.systemName(of: userID) }
    ) {
        self.patience = patience
        self.file = file
        self.lookup = lookup
    }

    /// - Throws: `UNAVAILABLE` where the system cannot tell at the moment.
    package func account(of userID: UInt32) async throws(LensError) -> Account {
        let version = FileVersion(of: file)
        if let known = known(userID, version) { return known }
        // A directory service may take seconds, and the threads that run tasks are few.
        let answer: Result<String?, LensError> = await withCheckedContinuation { continuation in
            DispatchQueue.global().async { [lookup] in
                continuation.resume(returning: Result { () throws(LensError) in try lookup(userID) })
            }
        }
        return remember(Account(userID: userID, name: try answer.get() ?? ""), version)
    }

    /// The same on the caller's thread, which may wait.
    package func accountWaiting(of userID: UInt32) throws(LensError) -> Account {
        let version = FileVersion(of: file)
        if let known = known(userID, version) { return known }
        return remember(Account(userID: userID, name: try lookup(userID) ?? ""), version)
    }

    private func known(_ userID: UInt32, _ version: FileVersion?) -> Account? {
        remembered.withLock { remembered in
            guard let entry = remembered[userID], entry.until > .now, entry.version == version else { return nil }
            return entry.account
        }
    }

    private func remember(_ account: Account, _ version: FileVersion?) -> Account {
        remembered.withLock { remembered in
            if remembered.count >= Self.rememberedCount { remembered.removeAll() }
            remembered[account.userID] = Remembered(account: account, until: .now + patience, version: version)
        }
        return account
    }

    /// Asks the system (`getpwuid_r`).
    package static func systemName(of userID: UInt32) throws(LensError) -> String? {
        var room = [CChar](repeating: 0, count: 4096)
        while true {
            var entry = passwd()
            var found: UnsafeMutablePointer<passwd>?
            let code = getpwuid_r(userID, &entry, &room, room.count, &found)
            switch code {
            case 0, ENOENT, ESRCH:
                guard let found, let name = found.pointee.pw_name else { return nil }
                return String(cString: name)
            case EINTR: continue
            case ERANGE where room.count < 1 << 20: room = [CChar](repeating: 0, count: room.count * 2)
            default:
                throw .unavailable(
                    "the account of uid \(userID) cannot be looked up (\(String(cString: strerror(code)))); try again")
            }
        }
    }
}
