import Logging

/// Writes the daemon's log to standard error, one line a message.
struct LineLogHandler: LogHandler {
    private let output: LogSwitch
    var metadata: Logger.Metadata = [:]

    init(_ output: LogSwitch) { self.output = output }

    /// The whole daemon's: it changes when its configuration is read again.
    var logLevel: Logger.Level {
        get { Logger.Level(output.setting.level) }
        set {}
    }

    subscript(metadataKey key: String) -> Logger.MetadataValue? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let line = LogLine(
            level: event.level, message: event.message.description,
            metadata: event.metadata.map { metadata.merging($0) { $1 } } ?? metadata)
        let text =
            switch output.setting.format {
            case .json: line.json(at: .now)
            case .text: output.writesToJournal ? line.text : line.text(at: .now)
            }
        StandardError.write((output.writesToJournal ? "<\(event.level.priority)>" : "") + text + "\n")
    }
}
