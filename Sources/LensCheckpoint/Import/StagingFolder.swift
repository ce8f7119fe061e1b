import Glibc
import LensCore

/// A folder that takes its name only when it is whole; one that is not finished removes itself.
final class StagingFolder {
    /// Where files are put until then.
    let path: String

    private let target: String
    /// The folder above, and what the two are called in it.
    private let parent: OpenFolder
    private let name: String
    private let stagingName: String
    private let replacing: Bool
    private let place: ModelImport.Place
    private var isMade = false

    /// `+` stands in no model's name, so that no daemon takes the folder for a model.
    private static let prefix = "+importing-"

    /// - Throws: `ALREADY_EXISTS` where the target is there and is not to be replaced; `NOT_FOUND`,
    ///   `PERMISSION_DENIED` or `RESOURCE_EXHAUSTED` where no folder can be made beside it.
    init(for target: String, replacing: Bool, in place: ModelImport.Place) throws(LensError) {
        var target = target
        while target.count > 1, target.hasSuffix("/") { target.removeLast() }
        let slash = target.lastIndex(of: "/")
        let above = slash.map { String(target[...$0]) } ?? "./"
        name = slash.map { String(target[target.index(after: $0)...]) } ?? target
        guard !name.isEmpty, name != ".", name != ".." else {
            throw .invalidArgument("'\(target)' must be the path of a folder to be made")
        }
        self.target = target
        self.replacing = replacing
        self.place = place
        stagingName = "\(Self.prefix)\(getpid())-\(name)"
        path = above + stagingName
        parent = try OpenFolder(path: above)
        if let type = parent.type(of: name) {
            guard replacing else { throw LensError(.alreadyExists, "\(target) exists already") }
            guard type == S_IFDIR else { throw LensError(.alreadyExists, "\(target) exists already and is no folder") }
        }
        if place == .stateFolder { sweep() }
        let failure = parent.makeFolder(stagingName)
        guard failure == 0 else { throw PartialFile.failure(target, failure) }
        isMade = true
    }

    deinit {
        if isMade { parent.removeFolder(stagingName) }
    }

    /// Gives the folder its name.
    ///
    /// - Throws: `ALREADY_EXISTS` where somebody else was faster; as `init` otherwise.
    func finish() throws(LensError) {
        try parent.sync(stagingName)
        // What root puts into the folder of a daemon that is not root's is the daemon's.
        if place == .stateFolder, geteuid() == 0, let owner = parent.owner, owner.user != 0 {
            try parent.give(stagingName, to: owner)
        }
        let failure = replacing ? replace() : parent.rename(stagingName, to: name)
        guard failure == 0 else {
            guard failure != ENOTEMPTY, failure != EEXIST else {
                throw LensError(.alreadyExists, "\(target) exists already")
            }
            throw PartialFile.failure(target, failure)
        }
        isMade = false
        try parent.sync()
    }

    /// Takes the place of what is there, which goes.
    ///
    /// - Returns: 0, or an errno.
    private func replace() -> Int32 {
        let failure = parent.exchange(stagingName, with: name)
        if failure == 0 {
            parent.removeFolder(stagingName)
            return 0
        }
        guard failure != ENOENT else { return parent.rename(stagingName, to: name) }
        // This file system exchanges nothing: for a moment nobody has the name.
        let old = stagingName + ".old"
        let isThere = parent.rename(name, to: old) == 0
        let outcome = parent.rename(stagingName, to: name)
        if isThere {
            if outcome == 0 { parent.removeFolder(old) } else { _ = parent.rename(old, to: name) }
        }
        return outcome
    }

    /// Removes what this user's processes left that were killed.
    private func sweep() {
        for name in parent.names where name.hasPrefix(Self.prefix) {
            let digits = name.dropFirst(Self.prefix.count).prefix { $0.isASCII && $0.isNumber }
            guard let process = pid_t(digits), kill(process, 0) != 0, errno == ESRCH else { continue }
            parent.removeFolder(name, of: geteuid())
        }
    }
}
