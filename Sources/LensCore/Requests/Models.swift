/// The models that a caller may use: the resident ones with their shapes, and where each known one is.
public struct ModelList: Sendable, Equatable {
    public var resident: [ModelDescription]
    public var states: [ModelState]

    public init(resident: [ModelDescription], states: [ModelState]) {
        self.resident = resident
        self.states = states
    }
}

/// A request about one model by the name under which it is registered.
public struct ModelNameRequest: Sendable, Hashable {
    public var name: String

    public init(name: String) {
        self.name = name
    }
}

public struct RenameModelRequest: Sendable, Hashable {
    public var name: String
    public var newName: String

    public init(name: String, newName: String) {
        self.name = name
        self.newName = newName
    }
}

/// What a load sends.
public enum LoadModelEvent: Sendable, Equatable {
    case progress(LoadProgress)
    /// The last event.
    case model(ModelDescription)
}
