import LensCore
import LensStore
import Synchronization

/// Accounts that a test gives and takes; nothing is remembered between two calls.
final class Names: Sendable {
    private let names: Mutex<[UInt32: String]>
    private let isAway = Mutex(false)

    init(_ names: [UInt32: String] = [:]) {
        self.names = Mutex(names)
    }

    subscript(userID: UInt32) -> String? {
        get { names.withLock { $0[userID] } }
        set { names.withLock { $0[userID] = newValue } }
    }

    /// From now on nobody knows who is who, or does again.
    func goAway(_ isAway: Bool = true) { self.isAway.withLock { $0 = isAway } }

    var directory: AccountDirectory {
        AccountDirectory(patience: .zero) { [self] (userID) throws(LensError) in
            if isAway.withLock({ $0 }) { throw .unavailable("the directory is away") }
            return self[userID]
        }
    }
}
