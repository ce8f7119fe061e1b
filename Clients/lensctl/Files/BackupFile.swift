import Glibc
import LensCore

/// A file of secrets that arrives in pieces: it has its name only once it is whole and on the disk, and is its owner's
/// alone.
struct BackupFile {
    let path: String
    private let partial: String
    private let descriptor: Int32

    /// - Throws: `INVALID_ARGUMENT` where it cannot be made.
    init(at path: String) throws(LensError) {
        self.path = path
        partial = "\(path).\(getpid()).partial"
        descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
    }

    /// - Throws: `RESOURCE_EXHAUSTED` where the disk is full.
    func append(_ bytes: [UInt8]) throws(LensError) {
        guard Descriptor(descriptor).write(bytes) else { throw Self.failure(path) }
    }

    /// Gives the file its name, in place of an older one; nothing more can be appended.
    func finish() throws(LensError) {
        guard fsync(descriptor) == 0, rename(partial, path) == 0 else { throw Self.failure(path) }
        let folder = open(path.lastIndex(of: "/").map { String(path[...$0]) } ?? ".", O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { throw Self.failure(path) }
        defer { close(folder) }
        guard fsync(folder) == 0 else { throw Self.failure(path) }
        close(descriptor)
    }

    /// Leaves nothing behind, also where finishing failed.
    func discard() {
        close(descriptor)
        unlink(partial)
    }

    private static func failure(_ path: String) -> LensError {
        let code = errno
        let isFull = code == ENOSPC || code == EDQUOT
        return LensError(
            isFull ? .resourceExhausted : .invalidArgument, "cannot write '\(path)': \(SystemError.text(code))")
    }
}
