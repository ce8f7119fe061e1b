import LensCore
import LensModel
import Synchronization

/// The models that the daemon knows, and which of them are in memory.
///
/// A model is loaded at the start, when the administrator says so, or when somebody asks for it by name; the ones that
/// were not used for longest and are not in use make room for others. Who asks gets a ``RegisteredModel``, which keeps
/// the model in memory for as long as he holds it: unloading takes it out of here, not out of anybody's hands.
public final class ModelRegistry: Sendable {
    struct Entry {
        var known: KnownModel
        /// Held here, and by whoever computes with it.
        var model: LanguageModel?
        /// The load that is under way.
        var load: ModelLoad?
        /// Bytes of memory that the model takes or the load has set aside.
        var bytes = 0
        /// What it was when it was resident last.
        var description: ModelDescription?
        var loadSeconds = 0.0
        var lastUse = 0
        /// Why nobody gets it until the administrator loads it.
        var heldBack: HeldBack?
    }

    enum HeldBack {
        case unloaded
        case failed(LensError)
    }

    /// A model that was unloaded while something computed with it.
    struct Leaving {
        weak var model: LanguageModel?
        let bytes: Int
    }

    struct State {
        /// The configured ones in their order, then the state folder's by name; the first is the default model.
        var entries: [Entry]
        var leaving: [Leaving] = []
        /// Counts uses.
        var clock = 0
        var isStopped = false
        var budget: Int
    }

    let open: @Sendable (String) throws(LensError) -> any ModelSource
    let stateModels: StateModels?
    let state: Mutex<State>

    /// - Parameters:
    ///   - known: the configured models; the first is the default.
    ///   - budget: bytes of memory for weights.
    ///   - stateModels: where further models may be found by their names.
    ///   - open: opens a model's folder by its path.
    /// - Throws: `ALREADY_EXISTS` where two models have one name, `INVALID_ARGUMENT` for a name that cannot be one.
    public init(
        _ known: [KnownModel], budget: Int, stateModels: StateModels? = nil,
        open: @escaping @Sendable (String) throws(LensError) -> any ModelSource = {
            (path) throws(LensError) in try FolderSource(opening: path)
        }
    ) throws(LensError) {
        for (index, model) in known.enumerated() {
            try ModelReference.check(name: model.name)
            guard !known[..<index].contains(where: { $0.name == model.name }) else {
                throw LensError(.alreadyExists, "two models are named '\(model.name)'")
            }
        }
        self.open = open
        self.stateModels = stateModels
        state = Mutex(State(entries: known.map { Entry(known: $0) }, budget: budget))
    }

    /// Bytes of memory that all weights may take together; where it shrinks, nothing is unloaded until somebody asks for
    /// another model.
    public var budget: Int {
        get { state.withLock { $0.budget } }
        set { state.withLock { $0.budget = newValue } }
    }

    /// Bytes of memory that all weights take now, those of unloaded models that are still computed with among them.
    public var heldBytes: Int { state.withLock { $0.heldBytes } }

    // MARK: - Use

    /// The model that a caller means, in memory from here on and as long as it is held.
    ///
    /// A model that is known and not resident is loaded first, unless the administrator has unloaded it. The load goes
    /// on if the caller leaves meanwhile.
    ///
    /// - Throws: `NOT_FOUND` for what is not known or not for this caller, naming what there is for him;
    ///   `FAILED_PRECONDITION` for what the administrator has unloaded and what could not be loaded;
    ///   `RESOURCE_EXHAUSTED` with figures where there is no room; `CANCELLED`, `DEADLINE_EXCEEDED`.
    public func use(
        _ reference: ModelReference, by caller: Caller, control: CallControl
    ) async throws(LensError) -> RegisteredModel {
        try lookInStateFolder(for: reference.name, by: caller)
        return try await inMemory(control: control) { (state) throws(LensError) in
            try state.index(of: reference.name, for: caller)
        }
    }

    /// The model that a recorded run was made with, whatever it is called by now.
    ///
    /// - Throws: `FAILED_PRECONDITION` where no model that this caller may use has the run's weights; otherwise as
    ///   ``use(_:by:control:)``.
    public func use(
        _ recipe: Recipe, by caller: Caller, control: CallControl
    ) async throws(LensError) -> RegisteredModel {
        try lookInStateFolder(for: recipe.model.name, by: caller)
        let model = try await inMemory(control: control) { (state) throws(LensError) in
            try state.index(of: recipe, for: caller)
        }
        guard model.model.fingerprint == recipe.fingerprint else {
            throw .otherWeights(recipe, found: model.model.fingerprint, of: model.name)
        }
        return model
    }

    // MARK: - Lists

    /// The models that a caller may use.
    public func list(for caller: Caller) -> ModelList {
        state.withLock { state in
            if let stateModels { state.take(stateModels.all()) }
            let defaultName = state.entries.first { $0.known.access.includes(caller) }?.known.name
            var list = ModelList(resident: [], states: [])
            for index in state.entries.indices where state.entries[index].known.access.includes(caller) {
                let isDefault = state.entries[index].known.name == defaultName
                if state.entries[index].model != nil, var description = state.entries[index].description {
                    description.isDefault = isDefault
                    list.resident.append(description)
                }
                list.states.append(state.modelState(index, isDefault: isDefault, for: caller, stateModels))
            }
            return list
        }
    }

    /// Whether this is the model that a request of this caller's without a name gets.
    public func isDefault(_ name: String, for caller: Caller) -> Bool {
        try? lookInStateFolder(for: nil, by: caller)
        return state.withLock { state in
            state.entries.first { $0.known.access.includes(caller) }?.known.name == name
        }
    }

    // MARK: - The state folder

    /// Makes known what the state folder has for a caller: the model of a name, or what would be his default.
    ///
    /// Under the lock, so that nothing is renamed between looking and taking note.
    ///
    /// - Throws: `FAILED_PRECONDITION` where the folder cannot be looked at, to the administrator only: to users a model
    ///   that is not there and one that is not theirs look alike.
    func lookInStateFolder(for name: String?, by caller: Caller) throws(LensError) {
        guard let stateModels else { return }
        let outcome = state.withLock { state in
            Result { () throws(LensError) in
                guard let name else {
                    // His default is the first by name, whichever was asked for before.
                    if !state.hasConfigured(for: caller) { state.take(stateModels.all()) }
                    return
                }
                guard !state.entries.contains(where: { $0.known.name == name }) else { return }
                if let model = try stateModels.model(named: name) {
                    state.add([model])
                } else {
                    // For the message that says what there is.
                    state.take(stateModels.all())
                }
            }
        }
        if caller.isAdministrator { try outcome.get() }
    }
}

extension ModelRegistry.State {
    /// Takes in all models of the state folder, and forgets those that are gone and not in memory either.
    ///
    /// - Parameter found: `nil` where nobody knows: then nothing is forgotten.
    mutating func take(_ found: [KnownModel]?) {
        guard let found else { return }
        add(found)
        let names = Set(found.map(\.name))
        entries.removeAll { entry in
            entry.known.origin == .stateFolder && entry.model == nil && entry.load == nil
                && !names.contains(entry.known.name)
        }
    }

    /// Takes in those models of the state folder that are new.
    ///
    /// A folder that the configuration names goes by the configuration's name and is for those whom it says, and for
    /// nobody under another name.
    mutating func add(_ found: [KnownModel]) {
        let new = found.filter { model in !entries.contains { $0.known.name == model.name } }
        guard !new.isEmpty else { return }
        let configured = entries.filter { $0.known.origin == .configured }.map(\.known.folder)
        let identities = Set(configured.compactMap(FolderIdentity.init))
        for model in new where !configured.contains(model.folder) {
            if let identity = FolderIdentity(model.folder), identities.contains(identity) { continue }
            entries.append(ModelRegistry.Entry(known: model))
        }
        sortStateModels()
    }

    mutating func sortStateModels() {
        let found = entries.filter { $0.known.origin == .stateFolder }
        entries.removeAll { $0.known.origin == .stateFolder }
        entries += found.sorted { $0.known.name < $1.known.name }
    }

    func hasConfigured(for caller: Caller) -> Bool {
        entries.contains { $0.known.origin == .configured && $0.known.access.includes(caller) }
    }
}

extension ModelRegistry.State {
    /// - Throws: `NOT_FOUND` naming what there is for this caller.
    func index(of name: String?, for caller: Caller) throws(LensError) -> Int {
        let visible = entries.indices.filter { entries[$0].known.access.includes(caller) }
        guard let name else {
            guard let first = visible.first else { throw .notFound("there is no model for you") }
            return first
        }
        guard let index = visible.first(where: { entries[$0].known.name == name }) else {
            throw .unknownModel(name, among: visible.map { entries[$0].known.name })
        }
        return index
    }

    /// The entry with a recorded run's weights, else the one with its name if that was never loaded.
    ///
    /// - Throws: `FAILED_PRECONDITION`
    func index(of recipe: Recipe, for caller: Caller) throws(LensError) -> Int {
        let visible = entries.indices.filter { entries[$0].known.access.includes(caller) }
        let named = visible.first { entries[$0].known.name == recipe.model.name }
        let holding = visible.filter { entries[$0].description?.fingerprint == recipe.fingerprint }
        if let named, holding.contains(named) { return named }
        if let resident = holding.first(where: { entries[$0].model != nil }) ?? holding.first { return resident }
        guard let named else {
            throw LensError(
                .failedPrecondition,
                "the run was made with weights \(recipe.fingerprint.prefix(12)) of model "
                    + "'\(recipe.model.name ?? "")', and no model that is served to you has them now")
        }
        if let description = entries[named].description, entries[named].model != nil {
            throw .otherWeights(recipe, found: description.fingerprint, of: entries[named].known.name)
        }
        // Its folder may hold other weights by now than when it was resident last.
        return named
    }

    /// The model if it is resident, counted as used now.
    mutating func touch(_ index: Int) throws(LensError) -> RegisteredModel? {
        guard let model = entries[index].model else { return nil }
        clock += 1
        entries[index].lastUse = clock
        return try RegisteredModel(name: entries[index].known.name, model: model)
    }

    mutating func modelState(
        _ index: Int, isDefault: Bool, for caller: Caller, _ stateModels: StateModels?
    ) -> ModelState {
        // Nobody but this list refers to an idle model. What others use is the administrator's to know.
        let isInUse =
            caller.isAdministrator && entries[index].model != nil && !isKnownUniquelyReferenced(&entries[index].model)
        let entry = entries[index]
        let note =
            switch entry.heldBack {
            case nil: entry.model == nil && entry.load == nil ? "is loaded when somebody asks for it" : ""
            case .unloaded: "was unloaded by the administrator, who can load it again"
            case .failed(let error):
                caller.isAdministrator ? "could not be loaded: \(error.message)" : "could not be loaded"
            }
        return ModelState(
            name: entry.known.name,
            residency: entry.model != nil ? .resident : entry.load != nil ? .loading : .known,
            isDefault: isDefault, isPinned: entry.known.isPinned, isInUse: isInUse,
            weightBytes: entry.bytes > 0 ? entry.bytes : entry.description?.weightBytes ?? 0,
            loadSeconds: entry.loadSeconds, progress: entry.load?.progress, note: note,
            isConfigured: entry.known.origin == .configured && stateModels?.isOwn(entry.known) != true)
    }
}

extension LensError {
    static func heldBack(_ reason: ModelRegistry.HeldBack, name: String) -> LensError {
        switch reason {
        case .unloaded:
            LensError(
                .failedPrecondition,
                "the administrator has unloaded model '\(name)'; lensctl models load \(name) loads it again")
        case .failed:
            LensError(
                .failedPrecondition,
                "model '\(name)' could not be loaded when it was tried last; its administrator learns why from "
                    + "lensctl models load \(name)")
        }
    }
}
