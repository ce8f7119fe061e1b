import Glibc

/// This machine's accounts.
enum SystemAccount {
    /// The uid that a name or a number means; `nil` for neither.
    static func userID(_ text: String) -> UInt32? {
        getpwnam(text).map { $0.pointee.pw_uid } ?? UInt32(text)
    }
}
