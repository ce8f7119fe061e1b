import Glibc

/// Which folder a path leads to, links followed: two paths with equal identities are one folder.
struct FolderIdentity: Hashable {
    private let device: UInt64
    private let number: UInt64

    /// `nil` where the path leads to nothing.
    init?(_ path: String) {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        device = UInt64(status.st_dev)
        number = UInt64(status.st_ino)
    }
}
