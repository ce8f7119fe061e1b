import Glibc

/// Standard error, unbuffered, whole lines at a time. It waits for whoever reads; the log goes through ``DaemonLog``.
enum StandardError {
    @Sendable static func write(_ text: String) {
        let bytes = Array(text.utf8)
        var written = 0
        // In pieces only where a pipe is nearly full; an output that is gone takes nothing any more.
        while written < bytes.count {
            let count = bytes.withUnsafeBytes { raw in
                raw.baseAddress.map { Glibc.write(STDERR_FILENO, $0 + written, bytes.count - written) } ?? -1
            }
            if count < 0, errno == EINTR { continue }
            // Another program that has the same output may have made it one that does not wait.
            if count < 0, errno == EAGAIN {
                var output = pollfd(fd: STDERR_FILENO, events: Int16(POLLOUT), revents: 0)
                guard poll(&output, 1, -1) > 0 || errno == EINTR else { return }
                continue
            }
            guard count > 0 else { return }
            written += count
        }
    }
}
