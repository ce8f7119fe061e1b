import Glibc
import LensCore

/// What only the administrator may do.
extension ModelRegistry {
    /// Loads a known model, or waits for the load that is under way.
    ///
    /// - Parameter progress: called from the thread that reads.
    /// - Throws: `PERMISSION_DENIED`, `NOT_FOUND`; what is wrong with the model's files; `RESOURCE_EXHAUSTED` with
    ///   figures; `UNAVAILABLE` while the daemon stops; `CANCELLED`, upon which the load ends too if nobody else waits.
    public func load(
        _ name: String, by caller: Caller, control: CallControl,
        progress: @escaping @Sendable (LoadProgress) -> Void = { _ in }
    ) async throws(LensError) -> RegisteredModel {
        try caller.checkIsAdministrator(to: "load models")
        try lookInStateFolder(for: name, by: caller)
        return try await load(name, control: control, progress: progress)
    }

    /// As ``load(_:by:control:progress:)`` for the daemon itself.
    func load(
        _ name: String, control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) async throws(LensError) -> RegisteredModel {
        try await inMemory(control: control, overrulesHold: true, progress: progress) {
            (state) throws(LensError) in
            guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                throw state.unknown(name, stateModels)
            }
            return index
        }
    }

    /// Takes a model out of memory, or ends its load; nobody gets it until it is loaded again.
    ///
    /// - Returns: whether passes still hold it; its memory goes back when they end.
    /// - Throws: `PERMISSION_DENIED`, `NOT_FOUND`; `FAILED_PRECONDITION` where it is not resident.
    public func unload(_ name: String, by caller: Caller) throws(LensError) -> Bool {
        try caller.checkIsAdministrator(to: "unload models")
        try lookInStateFolder(for: name, by: caller)
        let outcome = state.withLock { state in
            Result { () throws(LensError) in
                guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                    throw state.unknown(name, stateModels)
                }
                if let load = state.entries[index].load {
                    load.control.cancel()
                } else if state.entries[index].model == nil {
                    throw LensError(.failedPrecondition, "model '\(name)' is not resident")
                }
                state.entries[index].heldBack = .unloaded
                return state.drop(index)
            }
        }
        let isInUse = try outcome.get()
        Self.giveMemoryBack()
        return isInUse
    }

    /// Gives a model another name. A model of the state folder takes its folder along; the name of a configured one is
    /// the configuration's again after a restart.
    ///
    /// - Throws: `PERMISSION_DENIED`, `NOT_FOUND`, `ALREADY_EXISTS`, `INVALID_ARGUMENT` for a name that cannot be one;
    ///   `FAILED_PRECONDITION` while it is being loaded.
    public func rename(_ name: String, to newName: String, by caller: Caller) throws(LensError) {
        try caller.checkIsAdministrator(to: "rename models")
        try ModelReference.check(name: newName)
        try lookInStateFolder(for: name, by: caller)
        try lookInStateFolder(for: newName, by: caller)
        let outcome = state.withLock { state in
            Result { () throws(LensError) in
                guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                    throw state.unknown(name, stateModels)
                }
                guard !state.entries.contains(where: { $0.known.name == newName }) else {
                    throw LensError(.alreadyExists, "there is a model '\(newName)' already")
                }
                guard state.entries[index].load == nil else {
                    throw LensError(.failedPrecondition, "model '\(name)' is being loaded; rename it afterwards")
                }
                if state.entries[index].known.origin == .stateFolder, let stateModels {
                    state.entries[index].known.folder = try stateModels.rename(name, to: newName)
                }
                state.entries[index].known.name = newName
                state.entries[index].description?.name = newName
                state.sortStateModels()
            }
        }
        try outcome.get()
    }
}

extension ModelRegistry.State {
    fileprivate func unknown(_ name: String, _ stateModels: StateModels?) -> LensError {
        var message = "no model '\(name)' is known: the configuration has none"
        if let path = stateModels?.path {
            let identity = FolderIdentity("\(path)/\(name)")
            let other = entries.first { identity != nil && FolderIdentity($0.known.folder) == identity }
            message +=
                other.map { ", and the folder \(path)/\(name) is that of its model '\($0.known.name)'" }
                ?? ", and there is no folder \(path)/\(name)"
        }
        return .notFound(message)
    }
}
