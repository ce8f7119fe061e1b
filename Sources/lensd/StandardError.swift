import Glibc

/// Standard error, unbuffered, whole lines at a time.
enum StandardError {
    static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var written = 0
        // In pieces only where a pipe is nearly full; an output that is gone takes nothing any more.
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                raw.baseAddress.map { Glibc.write(STDERR_FILENO, $0 + written, bytes.count - written) } ?? -1
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            written += count
        }
    }
}
