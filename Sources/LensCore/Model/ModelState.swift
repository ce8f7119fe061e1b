/// Where a model that the daemon knows is: in memory, on its way there, or on disk only.
public struct ModelState: Sendable, Hashable {
    public enum Residency: String, Sendable, CaseIterable {
        /// Not in memory.
        case known
        case loading
        case resident
    }

    public var name: String
    public var residency: Residency
    /// Whether this is the model that a request without a name gets.
    public var isDefault: Bool
    /// Never unloaded to make room for others.
    public var isPinned: Bool
    /// Whether something computes with it.
    public var isInUse: Bool
    /// Bytes of memory that it takes, or took when it was resident last; 0 where nobody knows.
    public var weightBytes: Int
    /// How long its last load took; 0 where there was none.
    public var loadSeconds: Double
    /// Of the load that is under way.
    public var progress: LoadProgress?
    /// Why it is not resident, and what would make it so.
    public var note: String
    /// Whether flags or configuration say where its files are, elsewhere than in the state folder's `models`: a folder
    /// there that goes by this name is not what is served.
    public var isConfigured: Bool

    public init(
        name: String, residency: Residency, isDefault: Bool = false, isPinned: Bool = false, isInUse: Bool = false,
        weightBytes: Int = 0, loadSeconds: Double = 0, progress: LoadProgress? = nil, note: String = "",
        isConfigured: Bool = false
    ) {
        self.name = name
        self.residency = residency
        self.isDefault = isDefault
        self.isPinned = isPinned
        self.isInUse = isInUse
        self.weightBytes = weightBytes
        self.loadSeconds = loadSeconds
        self.progress = progress
        self.note = note
        self.isConfigured = isConfigured
    }
}

/// How far a load is, in bytes of the weights as they are on disk.
public struct LoadProgress: Sendable, Hashable {
    public var doneBytes: Int
    public var totalBytes: Int

    public init(doneBytes: Int, totalBytes: Int) {
        self.doneBytes = doneBytes
        self.totalBytes = totalBytes
    }
}
