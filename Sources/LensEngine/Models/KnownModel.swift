import LensCore

/// A model that the daemon may serve: its name, where its folder is, and who may use it.
public struct KnownModel: Sendable, Hashable {
    /// How the daemon came to know it.
    public enum Origin: Sendable, Hashable {
        /// A flag or the configuration.
        case configured
        /// A folder in the state folder's `models`, which goes by the model's name.
        case stateFolder
    }

    public var name: String
    /// The folder's path.
    public var folder: String
    public var access: ModelAccess
    /// Never unloaded to make room for others; so is the default model.
    public var isPinned: Bool
    public var origin: Origin

    public init(
        name: String, folder: String, access: ModelAccess = .everybody, isPinned: Bool = false,
        origin: Origin = .configured
    ) {
        self.name = name
        self.folder = folder
        self.access = access
        self.isPinned = isPinned
        self.origin = origin
    }
}
