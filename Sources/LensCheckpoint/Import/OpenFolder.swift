import CLensSystem
import Glibc
import LensCore

/// A folder held open: what is done in it goes by its descriptor and by one name, so that no link leads elsewhere.
final class OpenFolder {
    private let descriptor: Int32
    private let path: String

    /// - Throws: `NOT_FOUND` or `PERMISSION_DENIED` where it cannot be opened.
    init(path: String) throws(LensError) {
        descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        self.path = path
        guard descriptor >= 0 else { throw PartialFile.failure(path, errno) }
    }

    /// A folder in another one; `nil` for what is none, a link to one among it.
    private init?(_ name: String, in parent: OpenFolder) {
        descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        path = "\(parent.path)/\(name)"
        guard descriptor >= 0 else { return nil }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whose it is; `nil` where the system does not say.
    var owner: (user: uid_t, group: gid_t)? {
        var status = stat()
        return fstat(descriptor, &status) == 0 ? (status.st_uid, status.st_gid) : nil
    }

    /// What is in it.
    var names: [String] {
        let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard copy >= 0 else { return [] }
        guard let stream = fdopendir(copy) else {
            close(copy)
            return []
        }
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

    /// The type of what has a name here (`S_IFDIR`, …), links not followed; `nil` where nothing has it.
    func type(of name: String) -> mode_t? {
        var status = stat()
        return fstatat(descriptor, name, &status, AT_SYMLINK_NOFOLLOW) == 0 ? status.st_mode & S_IFMT : nil
    }

    /// Makes a folder that everybody may read, whatever the umask.
    ///
    /// - Returns: 0, or an errno.
    func makeFolder(_ name: String) -> Int32 {
        guard mkdirat(descriptor, name, 0o755) == 0 else { return errno }
        guard let made = OpenFolder(name, in: self), fchmod(made.descriptor, 0o755) == 0 else { return errno }
        return 0
    }

    /// Removes a folder of files.
    ///
    /// - Parameter user: whose it must be; `nil` where that does not matter.
    func removeFolder(_ name: String, of user: uid_t? = nil) {
        guard let folder = OpenFolder(name, in: self), user == nil || folder.owner?.user == user else { return }
        for file in folder.names { unlinkat(folder.descriptor, file, 0) }
        unlinkat(descriptor, name, AT_REMOVEDIR)
    }

    /// Gives a folder of files to somebody.
    ///
    /// - Throws: `PERMISSION_DENIED` or `NOT_FOUND` where that cannot be done.
    func give(_ name: String, to owner: (user: uid_t, group: gid_t)) throws(LensError) {
        guard let folder = OpenFolder(name, in: self) else { throw PartialFile.failure("\(path)/\(name)", errno) }
        for file in folder.names {
            guard fchownat(folder.descriptor, file, owner.user, owner.group, AT_SYMLINK_NOFOLLOW) == 0 else {
                throw PartialFile.failure("\(folder.path)/\(file)", errno)
            }
        }
        guard fchown(folder.descriptor, owner.user, owner.group) == 0 else {
            throw PartialFile.failure(folder.path, errno)
        }
    }

    /// - Returns: 0, or an errno: `ENOTEMPTY` or `EEXIST` where the new name is taken.
    func rename(_ name: String, to newName: String) -> Int32 {
        renameat(descriptor, name, descriptor, newName) == 0 ? 0 : errno
    }

    /// Lets two entries have each other's name, in one step.
    ///
    /// - Returns: 0, or an errno: `EINVAL` where the file system cannot.
    func exchange(_ name: String, with other: String) -> Int32 { lens_exchange(descriptor, name, other) }

    /// Brings its entries, or those of a folder in it, to the disk.
    func sync(_ name: String? = nil) throws(LensError) {
        if let name {
            guard let folder = OpenFolder(name, in: self) else { throw PartialFile.failure("\(path)/\(name)", errno) }
            return try folder.sync()
        }
        // Some file systems know no such thing for folders.
        guard fsync(descriptor) == 0 || errno == EINVAL else { throw PartialFile.failure(path, errno) }
    }
}
