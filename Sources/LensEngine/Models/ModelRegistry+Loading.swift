import CLensSystem
import Glibc
import LensCore
import LensModel
import LensTensor

/// How a model comes into memory, and how others make room for it.
extension ModelRegistry {
    /// A model that is in memory from here on, loaded first where it is not; waits for a load that is under way.
    ///
    /// - Parameters:
    ///   - overrulesHold: whether a model is loaded that the administrator has unloaded or that could not be loaded, and
    ///     the load ends when nobody waits for it any more.
    ///   - find: says which entry is wanted.
    func inMemory(
        control: CallControl, overrulesHold: Bool = false,
        progress: @escaping @Sendable (LoadProgress) -> Void = { _ in },
        _ find: (inout State) throws(LensError) -> Int
    ) async throws(LensError) -> RegisteredModel {
        while true {
            let (load, isNew): (ModelLoad, Bool)
            switch try state.withLock({ state in
                Result { () throws(LensError) in try state.step(towards: find(&state), overrulesHold: overrulesHold) }
            }).get() {
            case .here(let model): return model
            case .wait(let other): (load, isNew) = (other, false)
            case .begin(let own): (load, isNew) = (own, true)
            }
            // Unloaded before this call came in, which has the last word.
            let isEnding = overrulesHold && load.control.isCancelled
            if !overrulesHold { load.goOn() }
            if isNew { start(load) }
            do throws(LensError) {
                return try await load.wait(control: control, progress: progress)
            } catch {
                // The others who waited gave it up while this call came in.
                let isOver = isEnding || error.code == .cancelled
                guard isOver, !Task.isCancelled, control.reason == nil else { throw error }
            }
        }
    }

    /// Reads a load's model on a thread of its own.
    private func start(_ load: ModelLoad) {
        do throws(LensError) {
            try LoadThread.start { [self] in end(load, Result { () throws(LensError) in try read(load) }) }
        } catch {
            end(load, .failure(error))
        }
    }

    private func read(_ load: ModelLoad) throws(LensError) -> LanguageModel {
        guard let known = state.withLock({ state in state.entries.first { $0.load === load }?.known }) else {
            throw .cancelled
        }
        let source = try open(known.folder)
        try makeRoom(for: load, of: source.weightBytes, named: known.name)
        try load.control.check()
        let model = try source.load(control: load.control) { load.report($0) }
        try load.control.check()
        return model
    }

    private func end(_ load: ModelLoad, _ outcome: Result<LanguageModel, LensError>) {
        let registered = state.withLock { state in
            Result { () throws(LensError) in try state.end(load, outcome) }
        }
        if case .failure = registered { Self.giveMemoryBack() }
        load.finish(registered)
    }

    /// Sets memory aside for a load. Idle models that are neither pinned nor the default go, the longest unused first;
    /// where even that would not do, nothing goes.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` with what is needed, what there is and what is held.
    private func makeRoom(for load: ModelLoad, of bytes: Int, named name: String) throws(LensError) {
        let budget = budget
        guard bytes <= budget else {
            throw .resourceExhausted(
                "model '\(name)' needs \(bytes.mebibytes) for its weights, and the budget for all models is "
                    + "\(budget.mebibytes) (--memory)")
        }
        let giveUpAt = ContinuousClock.now + Self.patience
        while true {
            let (isGranted, held, hasDropped) = state.withLock { state -> (Bool, Int, Bool) in
                let dropped = state.idleModels(toHave: bytes, within: budget)
                let held = state.heldBytes
                guard let dropped, let index = state.entries.firstIndex(where: { $0.load === load }) else {
                    return (false, held, false)
                }
                for index in dropped { state.drop(index) }
                state.entries[index].bytes = bytes
                return (true, held, !dropped.isEmpty)
            }
            // Before as much is asked for again.
            if hasDropped { Self.giveMemoryBack() }
            if isGranted { return }
            try load.control.check()
            guard ContinuousClock.now < giveUpAt else {
                throw .resourceExhausted(
                    "model '\(name)' needs \(bytes.mebibytes) for its weights; of the budget of \(budget.mebibytes) "
                        + "\(held.mebibytes) are held by models that are in use, pinned or being loaded: try again later"
                )
            }
            usleep(10_000)
        }
    }

    /// How long a load waits for passes that are about to end.
    private static let patience = Duration.milliseconds(500)

    /// What weights took and nobody uses any more goes back to the system.
    static func giveMemoryBack() {
        SpareMemory.release()
        lens_trim_memory()
    }
}

extension ModelRegistry.State {
    var heldBytes: Int {
        leaving.reduce(entries.reduce(0) { $0 + $1.bytes }) { $0 + ($1.model == nil ? 0 : $1.bytes) }
    }

    enum Step {
        case here(RegisteredModel)
        case wait(ModelLoad)
        case begin(ModelLoad)
    }

    /// What brings a model into memory.
    fileprivate mutating func step(towards index: Int, overrulesHold: Bool) throws(LensError) -> Step {
        if let model = try touch(index) { return .here(model) }
        if let load = entries[index].load { return .wait(load) }
        if let heldBack = entries[index].heldBack, !overrulesHold {
            throw .heldBack(heldBack, name: entries[index].known.name)
        }
        entries[index].heldBack = nil
        return .begin(try beginLoad(index))
    }

    /// - Throws: `UNAVAILABLE` while the daemon stops.
    private mutating func beginLoad(_ index: Int) throws(LensError) -> ModelLoad {
        guard !isStopped else { throw .stopping }
        let load = ModelLoad()
        entries[index].load = load
        return load
    }

    /// Whom to unload so that so many bytes are free; `nil` where that cannot be.
    mutating func idleModels(toHave bytes: Int, within budget: Int) -> [Int]? {
        leaving.removeAll { $0.model == nil }
        var missing = heldBytes + bytes - budget
        var chosen: [Int] = []
        // The first is the default model.
        let byAge = entries.indices.dropFirst().sorted { entries[$0].lastUse < entries[$1].lastUse }
        for index in byAge where missing > 0 && entries[index].model != nil && !entries[index].known.isPinned {
            guard isKnownUniquelyReferenced(&entries[index].model) else { continue }
            chosen.append(index)
            missing -= entries[index].bytes
        }
        return missing > 0 ? nil : chosen
    }

    /// Takes a model out; what still computes with it goes on.
    ///
    /// - Returns: whether something does.
    @discardableResult
    mutating func drop(_ index: Int) -> Bool {
        guard entries[index].model != nil else { return false }
        let isInUse = !isKnownUniquelyReferenced(&entries[index].model)
        if isInUse { leaving.append(ModelRegistry.Leaving(model: entries[index].model, bytes: entries[index].bytes)) }
        entries[index].model = nil
        entries[index].bytes = 0
        return isInUse
    }

    /// Takes a load's outcome in.
    fileprivate mutating func end(
        _ load: ModelLoad, _ outcome: Result<LanguageModel, LensError>
    ) throws(LensError) -> RegisteredModel {
        guard let index = entries.firstIndex(where: { $0.load === load }) else { throw .cancelled }
        entries[index].load = nil
        entries[index].bytes = 0
        do throws(LensError) {
            let model = try outcome.get()
            // Unloaded, or given up by everybody, at the last moment.
            try load.control.check()
            entries[index].model = model
            entries[index].bytes = model.weightBytes
            entries[index].heldBack = nil
            entries[index].loadSeconds = load.startedAt.duration(to: .now) / Duration.seconds(1)
            let registered = try RegisteredModel(name: entries[index].known.name, model: model)
            entries[index].description = registered.description(isDefault: false)
            _ = try touch(index)
            return registered
        } catch {
            switch error.code {
            case .cancelled where isStopped: throw .stopping
            case .cancelled:
                if let heldBack = entries[index].heldBack {
                    throw .heldBack(heldBack, name: entries[index].known.name)
                }
            // The next one to ask may have more luck.
            case .resourceExhausted, .unavailable: break
            default: entries[index].heldBack = .failed(error)
            }
            throw error
        }
    }
}

extension LensError {
    fileprivate static var stopping: LensError { .unavailable("the daemon is shutting down and loads no more models") }
}

extension Int {
    /// Bytes as people read them.
    fileprivate var mebibytes: String { "\((self + (1 << 20) - 1) >> 20) MiB" }
}
