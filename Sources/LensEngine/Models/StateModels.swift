import Glibc
import LensCore

/// The folders in the state folder's `models`: each is a model that goes by the folder's name.
///
/// Only the daemon's own user and root can put one there.
public struct StateModels: Sendable {
    public let path: String

    public init(path: String) {
        self.path = path
    }

    /// The model of one name, if there is such a folder.
    func model(named name: String) -> KnownModel? {
        guard (try? ModelReference.check(name: name)) != nil else { return nil }
        var status = stat()
        let folder = "\(path)/\(name)"
        guard stat(folder, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return KnownModel(name: name, folder: folder, origin: .stateFolder)
    }

    /// All of them, by name. What is not named like a model is passed over.
    func all() -> [KnownModel] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return names.sorted().compactMap { model(named: $0) }
    }

    /// Renames a folder and returns its new path.
    ///
    /// - Throws: `ALREADY_EXISTS` where the new name is taken, `FAILED_PRECONDITION` where it cannot be done.
    func rename(_ name: String, to newName: String) throws(LensError) -> String {
        let target = "\(path)/\(newName)"
        var status = stat()
        guard lstat(target, &status) != 0 else {
            throw LensError(.alreadyExists, "\(target) exists already")
        }
        guard Glibc.rename("\(path)/\(name)", target) == 0 else {
            throw LensError(
                .failedPrecondition,
                "cannot rename \(path)/\(name) to \(newName): \(String(cString: strerror(errno)))")
        }
        return target
    }
}
