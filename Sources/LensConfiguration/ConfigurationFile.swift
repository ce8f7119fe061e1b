import Glibc
public import LensCore

/// A daemon's configuration on disk.
public enum ConfigurationFile {
    private static let sizeLimit = 1 << 20

    /// Reads a file that nobody but root and the user who runs this could have written.
    ///
    /// - Throws: status 65 that names file, line and key, with what was expected and what came; 77 for a file that
    ///   others may write; 1 for one that cannot be read.
    public static func read(_ path: String) throws(StartupError) -> Configuration {
        try parse(try bytes(of: path), path: path, names: .system)
    }

    package static func parse(_ bytes: [UInt8], path: String, names: AccountNames) throws(StartupError) -> Configuration
    {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw StartupError(.badInput, "\(path) is no UTF-8 text")
        }
        do {
            return try Configuration(TOMLReader.read(text), names: names)
        } catch {
            throw StartupError(.badInput, "\(path):\(error.line): \(error.message)")
        }
    }

    private static func bytes(of path: String) throws(StartupError) -> [UInt8] {
        // Not blocking, since opening a FIFO would otherwise wait for its other end.
        let descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard descriptor >= 0 else {
            throw StartupError(
                errno == ENOENT ? .badInput : .failure,
                "cannot open the configuration \(path): \(String(cString: strerror(errno)))")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw StartupError(.badInput, "the configuration \(path) must be a regular file")
        }
        guard status.st_uid == 0 || status.st_uid == geteuid() else {
            throw StartupError(
                .notAllowed,
                "the configuration \(path) must belong to root or to uid \(geteuid()), who runs this; it belongs to "
                    + "uid \(status.st_uid)")
        }
        guard status.st_mode & (S_IWGRP | S_IWOTH) == 0 else {
            throw StartupError(
                .notAllowed,
                "the configuration \(path) must not be writable by group or others (chmod go-w); its mode is "
                    + String(status.st_mode & 0o7777, radix: 8))
        }
        guard status.st_size <= sizeLimit else {
            throw StartupError(
                .badInput, "the configuration \(path) has \(status.st_size) bytes, more than \(sizeLimit)")
        }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while bytes.count <= sizeLimit {
            let count = Glibc.read(descriptor, &piece, piece.count)
            if count == 0 { return bytes }
            if count > 0 {
                bytes += piece[..<count]
            } else if errno != EINTR {
                throw StartupError(
                    .failure, "cannot read the configuration \(path): \(String(cString: strerror(errno)))")
            }
        }
        throw StartupError(.badInput, "the configuration \(path) grows while it is read")
    }
}
