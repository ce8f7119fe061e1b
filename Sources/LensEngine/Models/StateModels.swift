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
    ///
    /// - Throws: `FAILED_PRECONDITION` where nobody can say: without rights to look, for one.
    func model(named name: String) throws(LensError) -> KnownModel? {
        guard (try? ModelReference.check(name: name)) != nil else { return nil }
        var status = stat()
        let folder = "\(path)/\(name)"
        guard stat(folder, &status) == 0 else {
            guard Self.absences.contains(errno) else {
                let reason = String(cString: strerror(errno))
                throw LensError(
                    .failedPrecondition,
                    "cannot look at \(folder): \(reason); lensd runs as uid \(geteuid()) and must be able to")
            }
            return nil
        }
        guard status.st_mode & S_IFMT == S_IFDIR else { return nil }
        return KnownModel(name: name, folder: folder, origin: .stateFolder)
    }

    /// Whether a model's folder is the one here that goes by its name.
    func isOwn(_ model: KnownModel) -> Bool {
        let folder = "\(path)/\(model.name)"
        return model.folder == folder || FolderIdentity(folder).map { $0 == FolderIdentity(model.folder) } ?? false
    }

    /// The errors that mean that there is nothing, a link that leads nowhere among it.
    private static let absences = [ENOENT, ENOTDIR, ELOOP]

    /// All of them, by name; `nil` where nobody can say. What is not named like a model is passed over.
    func all() -> [KnownModel]? {
        guard let folder = opendir(path) else { return Self.absences.contains(errno) ? [] : nil }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            names.append(
                withUnsafePointer(to: entry.pointee.d_name) { name in
                    name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        var models: [KnownModel] = []
        do throws(LensError) {
            for name in names.sorted() {
                if let model = try model(named: name) { models.append(model) }
            }
        } catch {
            return nil
        }
        return models
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
