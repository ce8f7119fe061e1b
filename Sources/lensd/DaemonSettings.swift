import FoundationEssentials
import LensConfiguration
import LensCore
import LensEngine

/// What a daemon is told by its flags, its configuration file and the environment, every default filled in.
struct DaemonSettings: Sendable {
    var socket: String
    /// Permission bits.
    var socketMode: UInt32
    var socketGroup: UInt32?
    /// The state folder's path.
    var state: String
    /// Threads that compute.
    var threads: Int
    /// Bytes of memory for models' weights.
    var memory: ByteCount
    /// Bytes of activations kept at hand.
    var cache: ByteCount
    var cacheScope: CacheScope
    /// What each user may have at most.
    var quota: SharedAmounts
    var retention: Retention
    /// Where the metrics file is written; `nil` is nowhere.
    var metrics: String?
    var log: LogFormat
    var logLevel: LogLevel
    var logging: DaemonLog.Setting { DaemonLog.Setting(level: logLevel, format: log) }
    /// Those that are served from the start; the first is the default model.
    var models: [KnownModel]

    /// - Parameters:
    ///   - flags: win over the file. A model of theirs has the access list that the file gives to its name.
    /// - Throws: as ``Places`` where something is neither said nor to be found.
    ///   - socket: the path of the socket that systemd handed over, which wins over all.
    init(
        flags: Configuration, file: Configuration, environment: Environment, socket given: String? = nil
    ) throws(StartupError) {
        if let given {
            socket = given
        } else if let socket = flags.socket ?? file.socket {
            self.socket = socket
        } else {
            socket = try Places.socket(environment)
        }
        if let state = flags.state ?? file.state {
            self.state = state
        } else {
            state = try Places.state(environment)
        }
        socketMode = file.socketMode ?? (file.socketGroup == nil ? 0o600 : 0o660)
        socketGroup = file.socketGroup
        threads = flags.threads ?? file.threads ?? ProcessInfo.processInfo.activeProcessorCount
        memory = flags.memory ?? file.memory ?? ByteCount(bytes: MachineMemory.bytes / 2)
        cache = file.cache ?? ByteCount(bytes: EngineOptions().cacheBytes)
        cacheScope = file.cacheScope ?? .everyone
        quota = SharedAmounts(file.quota)
        retention = file.retention
        metrics = file.metrics
        log = file.log ?? .text
        logLevel = flags.logLevel ?? file.logLevel ?? .info
        models = Self.models(flags: flags.models, file: file.models)
        if models.isEmpty {
            let embedded = try Places.embeddedModel(environment)
            models = [KnownModel(name: embedded.name, folder: embedded.folder)]
        }
    }

    private static func models(flags: [Configuration.Model], file: [Configuration.Model]) -> [KnownModel] {
        let flagged = flags.map { flag in
            var model = file.first { $0.name == flag.name } ?? flag
            model.path = flag.path
            return model
        }
        var others = file.filter { model in !flags.contains { $0.name == model.name } }
        // The first is the default, and the first flag is where there is one.
        if let index = others.firstIndex(where: \.isDefault) { others.insert(others.remove(at: index), at: 0) }
        return (flagged + others).map {
            KnownModel(name: $0.name, folder: $0.path, access: $0.access, isPinned: $0.isPinned)
        }
    }
}

extension SharedAmounts {
    /// A file's quotas, the ordinary ones where it says nothing.
    fileprivate init(_ quota: Configuration.Quota) {
        let ordinary = Self.ordinaryQuota
        self.init(
            connections: quota.connections ?? ordinary.connections,
            callsInFlight: quota.calls ?? ordinary.callsInFlight,
            queuedJobs: quota.queued ?? ordinary.queuedJobs, sessions: quota.sessions ?? ordinary.sessions,
            storedBytes: quota.stored?.bytes ?? ordinary.storedBytes,
            cachedBytes: quota.cached?.bytes ?? ordinary.cachedBytes)
    }
}

extension DaemonSettings: CustomStringConvertible {
    /// As a configuration file would say it; the first model is the default.
    var description: String {
        var lines = [
            "socket = \(Self.quoted(socket))", "socket_mode = \"0\(String(socketMode, radix: 8))\"",
        ]
        if let socketGroup { lines.append("socket_group = \(socketGroup)") }
        lines += [
            "state = \(Self.quoted(state))", "threads = \(threads)", "memory = \"\(memory)\"", "cache = \"\(cache)\"",
            "cache_scope = \(Self.quoted(cacheScope.rawValue))",
        ]
        if let metrics { lines.append("metrics = \(Self.quoted(metrics))") }
        lines += ["log = \(Self.quoted(log.rawValue))", "log_level = \(Self.quoted(logLevel.rawValue))"]
        lines += [
            "", "[quota]", "connections = \(quota.connections)", "calls = \(quota.callsInFlight)",
            "queued = \(quota.queuedJobs)", "sessions = \(quota.sessions)",
            "stored = \"\(ByteCount(bytes: quota.storedBytes))\"",
            "cached = \"\(ByteCount(bytes: quota.cachedBytes))\"",
        ]
        if retention != Retention() { lines += ["", "[retention]"] }
        if let days = retention.days { lines.append("days = \(days)") }
        if let bytes = retention.storedBytes { lines.append("stored = \"\(ByteCount(bytes: bytes))\"") }
        for (index, model) in models.enumerated() {
            lines += ["", "[[model]]", "name = \(Self.quoted(model.name))", "path = \(Self.quoted(model.folder))"]
            if case .only(let userIDs, let groupIDs) = model.access {
                lines.append("users = \(userIDs.sorted())")
                lines.append("groups = \(groupIDs.sorted())")
            }
            if model.isPinned { lines.append("pinned = true") }
            if index == 0 { lines.append("default = true") }
        }
        return lines.joined(separator: "\n")
    }

    private static func quoted(_ text: String) -> String {
        "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
}
