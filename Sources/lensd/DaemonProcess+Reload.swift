import LensCore
import LensEngine
import LensWire
import Logging

/// What changes while the daemon runs when its configuration is read again.
extension DaemonProcess {
    /// Reads the configuration and takes on what can be changed without a restart; whatever is wrong with it is said in
    /// the log, and everything stays as it is.
    ///
    /// - Returns: the settings from here on; what needs a restart is as it was.
    func reload(from old: DaemonSettings) -> DaemonSettings {
        var new: DaemonSettings
        do {
            new = try source.read()
        } catch {
            logger.error("the configuration was not read again; all stays as it was", metadata: ["cause": "\(error)"])
            return old
        }
        let frozen = new.keepWhatNeedsRestart(of: old)
        var changed: [String] = []
        func apply<Value: Equatable>(_ key: String, _ value: KeyPath<DaemonSettings, Value>, _ set: (Value) -> Void) {
            guard old[keyPath: value] != new[keyPath: value] else { return }
            set(new[keyPath: value])
            changed.append(key)
        }
        apply("log", \.logging) { log.setting = $0 }
        apply("quota", \.quota) { quota in
            ledger.limits = WireLimits(quota: quota)
            engine.set(quota: quota)
            store.set(quota: quota)
        }
        apply("retention", \.retention) { store.set(retention: $0) }
        apply("cache", \.cache) { engine.set(cacheBytes: $0.bytes) }
        apply("cache_scope", \.cacheScope) { engine.set(cacheScope: $0) }
        apply("memory", \.memory) { engine.models.budget = $0.bytes }
        apply("metrics", \.metrics) { path in
            metrics.move(to: path)
            metrics.write(self)
        }
        apply("models", \.models) { models in
            for notice in engine.models.reconfigure(models) { logger.warning("\(notice)") }
        }
        logger.notice(
            "the configuration was read again",
            metadata: ["changed": "\(changed.isEmpty ? "nothing" : changed.joined(separator: ","))"])
        if !frozen.isEmpty {
            logger.warning(
                "some of the configuration takes effect when lensd is restarted",
                metadata: ["keys": "\(frozen.joined(separator: ","))"])
        }
        return new
    }
}

extension DaemonSettings {
    /// Takes back what a running daemon cannot change.
    ///
    /// - Returns: the keys that differed.
    fileprivate mutating func keepWhatNeedsRestart(of old: DaemonSettings) -> [String] {
        var keys: [String] = []
        func keep<Value: Equatable>(_ key: String, _ value: WritableKeyPath<DaemonSettings, Value>) {
            guard self[keyPath: value] != old[keyPath: value] else { return }
            self[keyPath: value] = old[keyPath: value]
            keys.append(key)
        }
        keep("socket", \.socket)
        keep("socket_mode", \.socketMode)
        keep("socket_group", \.socketGroup)
        keep("state", \.state)
        keep("threads", \.threads)
        return keys
    }
}
