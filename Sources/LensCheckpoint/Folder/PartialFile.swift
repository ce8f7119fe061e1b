import Glibc
import LensCore

/// A file that has its name only once it is whole and on disk; until then it has another one, or is gone.
///
/// A model's mode is 0644 whatever the umask: models are no secrets among those who can reach their folder, and the
/// daemon refuses files that strangers may write.
final class PartialFile {
    private let path: String
    private let mode: mode_t
    private let partialPath: String
    private var descriptor: Int32
    private var unsynced = 0

    /// Never more than this waits for the disk, so that the last step is short and whoever cancels is soon heard.
    private static let syncInterval = 32 << 20

    /// - Throws: `PERMISSION_DENIED`, `NOT_FOUND` or `RESOURCE_EXHAUSTED` where it cannot be made.
    init(path: String, mode: mode_t = 0o644) throws(LensError) {
        self.path = path
        self.mode = mode
        partialPath = "\(path).\(getpid()).partial"
        // A process of this number that was killed may have left one.
        unlink(partialPath)
        descriptor = open(partialPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
    }

    deinit {
        guard descriptor >= 0 else { return }
        close(descriptor)
        unlink(partialPath)
    }

    func write(_ bytes: [UInt8]) throws(LensError) {
        var failure: LensError?
        bytes.withUnsafeBytes { buffer in
            do throws(LensError) { try write(buffer) } catch { failure = error }
        }
        if let failure { throw failure }
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws(LensError) {
        var written = 0
        while written < bytes.count {
            let count = Glibc.write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
            if count >= 0 {
                written += count
                unsynced += count
            } else if errno != EINTR {
                throw Self.failure(path, errno)
            }
        }
        if unsynced >= Self.syncInterval {
            guard fdatasync(descriptor) == 0 else { throw Self.failure(path, errno) }
            unsynced = 0
        }
    }

    /// Brings it to the disk and gives it its name.
    func finish() throws(LensError) {
        guard fchmod(descriptor, mode) == 0, fsync(descriptor) == 0, rename(partialPath, path) == 0 else {
            throw Self.failure(path, errno)
        }
        close(descriptor)
        descriptor = -1
    }

    static func failure(_ path: String, _ number: Int32) -> LensError {
        let code: StatusCode =
            switch number {
            case ENOSPC, EDQUOT, EFBIG: .resourceExhausted
            case EACCES, EPERM, EROFS: .permissionDenied
            case ENOENT, ENOTDIR: .notFound
            default: .failedPrecondition
            }
        return LensError(code, "cannot write \(path): \(String(cString: strerror(number)))")
    }
}
