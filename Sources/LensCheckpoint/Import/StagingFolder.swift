import Glibc
import LensCore

/// A folder that takes its name only when it is whole; one that is not finished removes itself.
final class StagingFolder {
    /// Where files are put until then.
    let path: String

    private let target: String
    private let replacing: Bool
    private var isFinished = false

    /// `+` stands in no model's name, so that no daemon takes the folder for a model.
    private static let prefix = "+importing-"

    /// - Throws: `ALREADY_EXISTS` where the target is there and is not to be replaced; `NOT_FOUND`,
    ///   `PERMISSION_DENIED` or `RESOURCE_EXHAUSTED` where no folder can be made beside it.
    init(for target: String, replacing: Bool) throws(LensError) {
        let slash = target.lastIndex(of: "/")
        let parent = slash.map { String(target[..<$0]) } ?? "."
        let name = slash.map { String(target[target.index(after: $0)...]) } ?? target
        guard !name.isEmpty else { throw .invalidArgument("'\(target)' must be the path of a folder to be made") }
        self.target = target
        self.replacing = replacing
        path = "\(parent)/\(Self.prefix)\(getpid())-\(name)"
        var status = stat()
        if lstat(target, &status) == 0 {
            guard replacing else { throw LensError(.alreadyExists, "\(target) exists already") }
            guard status.st_mode & S_IFMT == S_IFDIR else {
                throw LensError(.alreadyExists, "\(target) exists already and is no folder")
            }
        }
        Self.sweep(parent)
        guard mkdir(path, 0o755) == 0, chmod(path, 0o755) == 0 else { throw PartialFile.failure(target, errno) }
    }

    deinit {
        if !isFinished { Self.remove(path) }
    }

    /// Gives the folder its name.
    ///
    /// - Throws: `ALREADY_EXISTS` where somebody else was faster; as `init` otherwise.
    func finish() throws(LensError) {
        try Self.sync(path)
        let old = path + ".old"
        let isThere = replacing && rename(target, old) == 0
        // Where the target is not empty, the system refuses.
        guard rename(path, target) == 0 else {
            let reason = errno
            if isThere { rename(old, target) }
            guard reason != ENOTEMPTY, reason != EEXIST else {
                throw LensError(.alreadyExists, "\(target) exists already")
            }
            throw PartialFile.failure(target, reason)
        }
        isFinished = true
        if isThere { Self.remove(old) }
        try Self.sync(target.lastIndex(of: "/").map { String(target[..<$0]) + "/" } ?? ".")
    }

    private static func sync(_ folder: String) throws(LensError) {
        let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw PartialFile.failure(folder, errno) }
        defer { close(descriptor) }
        // Some file systems know no such thing for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw PartialFile.failure(folder, errno) }
    }

    /// Removes what processes left that were killed.
    private static func sweep(_ parent: String) {
        for name in names(in: parent) where name.hasPrefix(prefix) {
            let digits = name.dropFirst(prefix.count).prefix { $0.isASCII && $0.isNumber }
            if let process = pid_t(digits), kill(process, 0) != 0, errno == ESRCH { remove("\(parent)/\(name)") }
        }
    }

    /// Removes a folder of files.
    private static func remove(_ folder: String) {
        for name in names(in: folder) { unlink("\(folder)/\(name)") }
        rmdir(folder)
    }

    private static func names(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}
