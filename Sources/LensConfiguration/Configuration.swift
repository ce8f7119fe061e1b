public import LensCore

/// What a configuration file says; `nil` and none where it says nothing.
///
/// A plain value: reading the file again gives another, to be compared with the first.
public struct Configuration: Sendable, Equatable {
    public var socket: String?
    /// Permission bits.
    public var socketMode: UInt32?
    /// The group that the socket belongs to.
    public var socketGroup: UInt32?
    public var state: String?
    public var threads: Int?
    /// Bytes for models' weights.
    public var memory: ByteCount?
    /// Bytes of activations kept at hand.
    public var cache: ByteCount?
    public var cacheScope: CacheScope?
    public var quota = Quota()
    public var retention = Retention()
    /// Where the metrics file is written; `nil` is nowhere.
    public var metrics: String?
    public var log: LogFormat?
    public var logLevel: LogLevel?
    /// In the order of the file.
    public var models: [Model] = []

    /// What each user may have at most; `nil` where the file says nothing.
    public struct Quota: Sendable, Equatable {
        public var connections: Int?
        /// Calls in flight.
        public var calls: Int?
        public var queued: Int?
        public var sessions: Int?
        public var stored: ByteCount?
        public var cached: ByteCount?

        public init() {}
    }

    /// A model to serve from the start.
    public struct Model: Sendable, Equatable {
        public var name: String
        public var path: String
        public var access = ModelAccess.everybody
        public var isPinned = false
        public var isDefault = false

        public init(name: String, path: String) {
            self.name = name
            self.path = path
        }
    }

    public init() {}
}

extension Configuration {
    /// The file's keys; what is not here is an error.
    enum Key {
        static let socket = "socket"
        static let socketMode = "socket_mode"
        static let socketGroup = "socket_group"
        static let state = "state"
        static let threads = "threads"
        static let memory = "memory"
        static let cache = "cache"
        static let cacheScope = "cache_scope"
        static let metrics = "metrics"
        static let log = "log"
        static let logLevel = "log_level"
        static let quota = "quota"
        static let retention = "retention"
        static let model = "model"

        static let all = [
            socket, socketMode, socketGroup, state, threads, memory, cache, cacheScope, metrics, log, logLevel, quota,
            retention, model,
        ]
    }

    /// The keys of `[quota]`.
    enum QuotaKey {
        static let connections = "connections"
        static let calls = "calls"
        static let queued = "queued"
        static let sessions = "sessions"
        static let stored = "stored"
        static let cached = "cached"

        static let all = [connections, calls, queued, sessions, stored, cached]
    }

    /// The keys of `[retention]`.
    enum RetentionKey {
        static let days = "days"
        static let stored = "stored"

        static let all = [days, stored]
    }

    /// The keys of a `[[model]]`.
    enum ModelKey {
        static let name = "name"
        static let path = "path"
        static let users = "users"
        static let groups = "groups"
        static let pinned = "pinned"
        static let isDefault = "default"

        static let all = [name, path, users, groups, pinned, isDefault]
    }

    /// Takes the values out of a file.
    init(_ table: TOMLTable, names: AccountNames) throws(TOMLReader.Failure) {
        let keys = TOMLKeys(table, known: Key.all)
        try keys.checkNames()
        socket = try keys.path(Key.socket)
        socketMode = try keys.value(Key.socketMode, "permission bits such as \"0660\"") { value in
            guard case .string(let text) = value, let bits = UInt32(text, radix: 8), bits <= 0o777 else { return nil }
            return bits
        }
        socketGroup = try keys.value(Key.socketGroup, "a group's name or number") { names.group($0) }
        state = try keys.path(Key.state)
        threads = try keys.integer(Key.threads, in: 1...1024)
        memory = try keys.size(Key.memory)
        cache = try keys.size(Key.cache)
        cacheScope = try keys.choice(Key.cacheScope)
        metrics = try keys.path(Key.metrics)
        log = try keys.choice(Key.log)
        logLevel = try keys.choice(Key.logLevel)
        if let table = try keys.table(Key.quota) { quota = try Quota(table) }
        if let table = try keys.table(Key.retention) { retention = try Retention(table) }
        for model in try keys.tables(Key.model) {
            let line = model.line
            let model = try Model(model, names: names)
            guard !models.contains(where: { $0.name == model.name }) else {
                throw TOMLReader.Failure(line: line, message: "a model '\(model.name)' is there twice")
            }
            guard !model.isDefault || !models.contains(where: \.isDefault) else {
                throw TOMLReader.Failure(
                    line: line, message: "one model is the default; '\(model.name)' is a second one")
            }
            models.append(model)
        }
    }
}

extension Configuration.Model {
    fileprivate typealias Key = Configuration.ModelKey

    fileprivate init(_ table: TOMLTable, names: AccountNames) throws(TOMLReader.Failure) {
        let keys = TOMLKeys(table, known: Key.all)
        try keys.checkNames()
        name = try keys.required(Key.name, "1 to 64 of a-z 0-9 . _ -") { value in
            guard case .string(let text) = value, (try? ModelReference.check(name: text)) != nil else { return nil }
            return text
        }
        path = try keys.required(Key.path, "an absolute path") { TOMLKeys.absolutePath($0) }
        isPinned = try keys.boolean(Key.pinned) ?? false
        isDefault = try keys.boolean(Key.isDefault) ?? false
        let users = try keys.list(Key.users, "users' names and numbers") { names.user($0) }
        let groups = try keys.list(Key.groups, "groups' names and numbers") { names.group($0) }
        if users != nil || groups != nil {
            access = .only(userIDs: Set(users ?? []), groupIDs: Set(groups ?? []))
        }
    }
}

extension Configuration.Quota {
    fileprivate typealias Key = Configuration.QuotaKey

    fileprivate init(_ table: TOMLTable) throws(TOMLReader.Failure) {
        let keys = TOMLKeys(table, known: Key.all)
        try keys.checkNames()
        connections = try keys.integer(Key.connections, in: 1...65536)
        calls = try keys.integer(Key.calls, in: 1...1_000_000)
        queued = try keys.integer(Key.queued, in: 1...1_000_000)
        sessions = try keys.integer(Key.sessions, in: 1...1_000_000)
        stored = try keys.size(Key.stored)
        cached = try keys.size(Key.cached)
    }
}

extension Retention {
    fileprivate typealias Key = Configuration.RetentionKey

    fileprivate init(_ table: TOMLTable) throws(TOMLReader.Failure) {
        let keys = TOMLKeys(table, known: Key.all)
        try keys.checkNames()
        self.init(days: try keys.integer(Key.days, in: 1...36500), storedBytes: try keys.size(Key.stored)?.bytes)
    }
}
