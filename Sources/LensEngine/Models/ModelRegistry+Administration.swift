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
        return try await load(name, control: control, progress: progress)
    }

    /// Loads the configured models in their order, as many as fit together; the others are loaded when somebody asks.
    ///
    /// - Parameters:
    ///   - progress: learns that a model's load gets on, from the thread that reads.
    ///   - report: learns of each model whether it is resident now, and how long its load took.
    /// - Throws: ``StartFailure`` for the first that cannot be served.
    public func loadConfigured(
        progress: @escaping @Sendable (_ name: String, _ progress: LoadProgress) -> Void = { _, _ in },
        report: (_ name: String, _ isResident: Bool, _ seconds: Double) -> Void
    ) async throws(StartFailure) {
        for known in state.withLock({ $0.entries.map(\.known) }) {
            do throws(LensError) {
                let bytes = try open(known.folder).weightBytes
                guard heldBytes == 0 || heldBytes + bytes <= budget else {
                    report(known.name, false, 0)
                    continue
                }
                let start = ContinuousClock.now
                _ = try await load(known.name, control: CallControl()) { progress(known.name, $0) }
                report(known.name, true, start.duration(to: .now) / Duration.seconds(1))
            } catch {
                throw StartFailure(model: known, error: error)
            }
        }
    }

    /// A configured model that cannot be served.
    public struct StartFailure: Error {
        public let model: KnownModel
        public let error: LensError
    }

    private func load(
        _ name: String, control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) async throws(LensError) -> RegisteredModel {
        lookInStateFolder(for: name)
        return try await inMemory(control: control, overrulesHold: true, progress: progress) {
            (state) throws(LensError) in
            guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                throw .unknown(name, stateModels)
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
        let outcome = state.withLock { state in
            Result { () throws(LensError) in
                guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                    throw .unknown(name, stateModels)
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
        lookInStateFolder(for: name)
        lookInStateFolder(for: newName)
        let outcome = state.withLock { state in
            Result { () throws(LensError) in
                guard let index = state.entries.firstIndex(where: { $0.known.name == name }) else {
                    throw .unknown(name, stateModels)
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
            }
        }
        try outcome.get()
    }

    /// No load begins any more, and those under way end.
    public func stop() {
        let loads = state.withLock { state in
            state.isStopped = true
            return state.entries.compactMap(\.load)
        }
        for load in loads { load.control.cancel() }
    }
}

extension LensError {
    fileprivate static func unknown(_ name: String, _ stateModels: StateModels?) -> LensError {
        .notFound(
            "no model '\(name)' is known: the configuration has none"
                + (stateModels.map { ", and there is no folder \($0.path)/\(name)" } ?? ""))
    }
}
