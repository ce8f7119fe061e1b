import LensEngine

/// What a daemon is told, by flags, by its configuration file and by the environment, with every default filled in.
struct DaemonSettings: Sendable {
    /// The socket's path.
    var socket: String
    /// The state folder's path.
    var state: String
    /// Those that are served from the start; the first is the default model.
    var models: [KnownModel]
    /// Threads that compute.
    var threads: Int
    /// Bytes of memory for models' weights.
    var memoryBytes: Int
    /// Bytes of activations kept at hand.
    var cacheBytes: Int
}
