import Glibc
import LensCore

/// A regular file of a model's folder, held open: what was checked is what is read.
///
/// Reads are positioned and copy into memory of the caller. Nothing is mapped: a file that is truncated under a mapping
/// kills its reader.
public final class CheckpointFile: Sendable {
    /// The last part of the path, as errors name it.
    public let name: String
    /// Bytes, when the file was opened.
    public let size: Int

    private let descriptor: Int32

    /// Which files are taken.
    public enum Trust: Sendable {
        /// Those of the folder itself that no stranger may write: the daemon reads for others.
        case own
        /// Whatever the user who runs the program can read, links too, as in the cache of a download.
        case users
    }

    /// Opens a file by its path.
    ///
    /// - Throws: as `init(opening:in:sizeLimit:trust:)`.
    public convenience init(path: String, sizeLimit: Int = .max, trust: Trust = .own) throws(LensError) {
        let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
        let folder = slash.map { String(path[...$0]) } ?? "."
        let name = slash.map { String(path[path.utf8.index(after: $0)...]) } ?? path
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw Self.systemError(errno, "cannot open the folder of \(name)") }
        defer { close(descriptor) }
        try self.init(opening: name, in: descriptor, sizeLimit: sizeLimit, trust: trust)
    }

    /// Opens a file in an open folder.
    ///
    /// - Throws: `NOT_FOUND` without such a file; `PERMISSION_DENIED` for one that may not be read, and with
    ///   ``Trust/own`` for a symbolic link or a file that strangers may write; `INVALID_ARGUMENT` for what is no regular file or has more than `sizeLimit` bytes.
    init(opening name: String, in folder: Int32, sizeLimit: Int, trust: Trust = .own) throws(LensError) {
        // Not blocking, since opening a FIFO would otherwise wait for its other end.
        let links = trust == .own ? O_NOFOLLOW : 0
        let descriptor = openat(folder, name, O_RDONLY | links | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ELOOP {
                throw LensError(
                    .permissionDenied, "\(name) is a symbolic link; a model's files must lie in its folder themselves")
            }
            throw Self.systemError(errno, "cannot open \(name)")
        }
        do throws(LensError) {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw Self.systemError(errno, "cannot look at \(name)") }
            guard status.st_mode & S_IFMT == S_IFREG else {
                throw .invalidArgument("\(name) must be a regular file; found \(Self.kind(status.st_mode))")
            }
            if trust == .own { try Self.checkWriters(status, of: name) }
            guard status.st_size <= sizeLimit else {
                throw .invalidArgument("\(name) may have at most \(sizeLimit) bytes; it has \(status.st_size)")
            }
            self.name = name
            self.size = Int(status.st_size)
            self.descriptor = descriptor
        } catch {
            close(descriptor)
            throw error
        }
    }

    deinit { close(descriptor) }

    /// Fills a buffer from a place in the file.
    ///
    /// - Throws: `DATA_LOSS` when the file ends before the buffer is full or cannot be read.
    func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(LensError) {
        var filled = 0
        while filled < buffer.count {
            let count = pread(
                descriptor, buffer.baseAddress?.advanced(by: filled), buffer.count - filled, offset + filled)
            if count > 0 {
                filled += count
            } else if count == 0 {
                throw .dataLoss(
                    "\(name) became shorter while it was read: expected \(size) bytes; it ends at \(offset + filled)")
            } else if errno != EINTR {
                throw LensError(.dataLoss, "cannot read \(name): \(Self.reason(errno))")
            }
        }
    }

    /// Bytes from a place in the file; the caller has held `range` against `size`.
    package func bytes(in range: Range<Int>) throws(LensError) -> [UInt8] {
        var failure: LensError?
        let bytes = [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            do throws(LensError) {
                let whole = UnsafeMutableRawBufferPointer(buffer)
                try read(into: UnsafeMutableRawBufferPointer(rebasing: whole[..<range.count]), at: range.lowerBound)
                count = range.count
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
        return bytes
    }

    /// Reads a range piece by piece, 256 KiB each; the caller has held `range` against `size`.
    func forEachPiece(
        in range: Range<Int>, _ body: (UnsafeRawBufferPointer) throws(LensError) -> Void
    ) throws(LensError) {
        let size = min(256 << 10, range.count)
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { scratch.deallocate() }
        var offset = range.lowerBound
        while offset < range.upperBound {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(size, range.upperBound - offset)])
            try read(into: piece, at: offset)
            try body(UnsafeRawBufferPointer(piece))
            offset += piece.count
        }
    }

    /// Refuses what somebody other than root, the daemon's user and that user's own group could change.
    static func checkWriters(_ status: stat, of name: String) throws(LensError) {
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw LensError(
                .permissionDenied,
                "\(name) must belong to root or to uid \(geteuid()), who runs this; it belongs to uid \(status.st_uid)"
            )
        }
        // A user's private group has the user's number, and only root puts others into it: no stranger. Umask 002 is
        // the custom then, and archives unpacked by root have its modes. System users' numbers say nothing of the kind.
        let isPrivateGroup = status.st_gid == status.st_uid && (status.st_uid == 0 || status.st_uid >= 1000)
        let forbidden = S_IWOTH | (isPrivateGroup ? 0 : S_IWGRP)
        guard status.st_mode & forbidden == 0 else {
            let mode = String(status.st_mode & 0o7777, radix: 8)
            throw LensError(
                .permissionDenied, "\(name) must not be writable by group or others (chmod go-w); its mode is \(mode)")
        }
    }

    /// The error of a system call that failed with `number`.
    static func systemError(_ number: Int32, _ what: String) -> LensError {
        let code: StatusCode =
            switch number {
            case ENOENT, ENOTDIR, ENXIO, ENODEV: .notFound
            case EACCES, EPERM: .permissionDenied
            case EMFILE, ENFILE, ENOMEM: .resourceExhausted
            default: .dataLoss
            }
        return LensError(code, "\(what): \(reason(number))")
    }

    private static func reason(_ number: Int32) -> String {
        String(cString: strerror(number))
    }

    private static func kind(_ mode: mode_t) -> String {
        switch mode & S_IFMT {
        case S_IFDIR: "a directory"
        case S_IFIFO: "a FIFO"
        case S_IFCHR, S_IFBLK: "a device"
        case S_IFSOCK: "a socket"
        default: "something else"
        }
    }
}
