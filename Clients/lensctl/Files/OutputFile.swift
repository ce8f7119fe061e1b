import Glibc
import LensCore

/// Files that appear whole or not at all.
enum OutputFile {
    /// Writes bytes beside the path and moves them there; a path that is no regular file (`/dev/stdout`) is written to.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the path cannot be written, `RESOURCE_EXHAUSTED` where the disk is full.
    static func write(_ parts: [[UInt8]], to path: String) throws(LensError) {
        var status = stat()
        let exists = stat(path, &status) == 0
        if exists, status.st_mode & S_IFMT != S_IFREG {
            try write(parts, to: path, named: path, flags: O_WRONLY)
            return
        }
        let partial = "\(path).\(getpid()).partial"
        do throws(LensError) {
            try write(parts, to: partial, named: path, flags: O_WRONLY | O_CREAT | O_EXCL)
            guard rename(partial, path) == 0 else { throw failure(path) }
        } catch {
            unlink(partial)
            throw error
        }
    }

    static func write(_ text: String, to path: String) throws(LensError) {
        try write([Array(text.utf8)], to: path)
    }

    private static func write(
        _ parts: [[UInt8]], to path: String, named name: String, flags: Int32
    ) throws(LensError) {
        let descriptor = open(path, flags | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw failure(name) }
        var error: LensError?
        for part in parts where error == nil {
            if !Descriptor(descriptor).write(part) { error = failure(name) }
        }
        // Some file systems report a full disk only here.
        if close(descriptor) != 0, error == nil { error = failure(name) }
        if let error { throw error }
    }

    private static func failure(_ path: String) -> LensError {
        let code = errno
        let isFull = code == ENOSPC || code == EDQUOT
        return LensError(
            isFull ? .resourceExhausted : .invalidArgument, "cannot write '\(path)': \(SystemError.text(code))")
    }
}

/// An open file descriptor that is written to.
struct Descriptor {
    private let number: Int32

    init(_ number: Int32) {
        self.number = number
    }

    /// Writes all bytes; `false` where the system refused, with `errno` as it left it.
    func write(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBytes { buffer in
            var rest = buffer[...]
            while !rest.isEmpty {
                let count = Glibc.write(number, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
                if count < 0 {
                    if errno == EINTR { continue }
                    return false
                }
                rest = rest.dropFirst(count)
            }
            return true
        }
    }
}
