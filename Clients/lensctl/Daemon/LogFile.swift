import Glibc
import LensCore

/// A daemon's log: its end, and what is added to it.
final class LogFile {
    private let path: String
    private var descriptor: Int32
    /// A line that has not ended yet.
    private var pending: [UInt8] = []
    /// No more than this is read back from a log's end.
    private static let longestTail = 4 << 20

    /// - Throws: `NOT_FOUND` where there is no log, `PERMISSION_DENIED` where it may not be read.
    init(at path: String) throws(LensError) {
        self.path = path
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code = errno
            throw code == ENOENT
                ? .notFound("no log at '\(path)'; 'lensctl up' starts a daemon that writes one")
                : LensError(
                    code == EACCES ? .permissionDenied : .failedPrecondition,
                    "cannot read '\(path)': \(SystemError.text(code))")
        }
    }

    deinit {
        close(descriptor)
    }

    /// The last lines, at most `count`, none from before byte `start`; reading goes on behind them.
    func tail(_ count: Int, from start: Int = 0) -> [String] {
        let size = Int(lseek(descriptor, 0, SEEK_END))
        let from = max(start, size - Self.longestTail, 0)
        lseek(descriptor, off_t(from), SEEK_SET)
        var lines = newLines()
        // A line that was cut in its middle.
        if from > start, !lines.isEmpty { lines.removeFirst() }
        if !pending.isEmpty {
            lines.append(String(decoding: pending, as: UTF8.self))
            pending = []
        }
        return Array(lines.suffix(max(count, 0)))
    }

    /// Whole lines that were added since the last look; starts over where the log was replaced or cut.
    func newLines() -> [String] {
        reopenIfReplaced()
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        var lines: [String] = []
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            guard count > 0 else { return lines }
            for byte in chunk.prefix(count) {
                if byte == UInt8(ascii: "\n") {
                    lines.append(String(decoding: pending, as: UTF8.self))
                    pending.removeAll(keepingCapacity: true)
                } else {
                    pending.append(byte)
                }
            }
        }
    }

    /// The size of a log in bytes; 0 where there is none.
    static func size(at path: String) -> Int {
        var status = stat()
        return stat(path, &status) == 0 ? Int(status.st_size) : 0
    }

    private func reopenIfReplaced() {
        var here = stat()
        var there = stat()
        guard fstat(descriptor, &here) == 0, stat(path, &there) == 0 else { return }
        if here.st_ino != there.st_ino || here.st_dev != there.st_dev {
            let fresh = open(path, O_RDONLY | O_CLOEXEC)
            guard fresh >= 0 else { return }
            close(descriptor)
            descriptor = fresh
            pending = []
        } else if lseek(descriptor, 0, SEEK_CUR) > here.st_size {
            lseek(descriptor, 0, SEEK_SET)
            pending = []
        }
    }
}
