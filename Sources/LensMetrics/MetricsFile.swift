internal import Glibc
public import LensCore

/// A Prometheus textfile, as node_exporter's textfile collector picks it up.
public enum MetricsFile {
    /// Puts a text in a file's place in one step: whoever reads finds the old text or the new one, whole. Everybody may
    /// read it who may look into its folder.
    ///
    /// - Throws: `FAILED_PRECONDITION` with the system's reason.
    public static func replace(_ path: String, with text: String) throws(LensError) {
        let fresh = "\(path).\(getpid())"
        _ = unlink(fresh)
        let descriptor = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
        guard descriptor >= 0 else { throw failure(path, errno) }
        var code = fchmod(descriptor, 0o644) == 0 ? 0 : errno
        var rest = Array(text.utf8)[...]
        while code == 0, !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno != EINTR {
                code = errno
            }
        }
        if close(descriptor) != 0, code == 0 { code = errno }
        if code == 0, rename(fresh, path) != 0 { code = errno }
        guard code == 0 else {
            _ = unlink(fresh)
            throw failure(path, code)
        }
    }

    /// Takes a file away that nobody writes any more.
    public static func remove(_ path: String) { _ = unlink(path) }

    private static func failure(_ path: String, _ code: CInt) -> LensError {
        LensError(.failedPrecondition, "cannot write the metrics to \(path): \(String(cString: strerror(code)))")
    }
}
