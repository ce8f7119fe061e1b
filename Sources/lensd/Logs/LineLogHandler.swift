import Logging

/// Writes what loggers say into the daemon's log, one line a message.
struct LineLogHandler: LogHandler {
    private let log: DaemonLog
    var metadata: Logger.Metadata = [:]

    init(_ log: DaemonLog) { self.log = log }

    /// The whole daemon's: it changes when its configuration is read again.
    var logLevel: Logger.Level {
        get { Logger.Level(log.setting.level) }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        log.write(
            LogLine(
                level: event.level, message: event.message.description,
                metadata: event.metadata.map { metadata.merging($0) { $1 } } ?? metadata))
    }
}
