/// How the daemon writes its log.
public enum LogFormat: String, Sendable, CaseIterable {
    /// Lines for people: level, message, `key=value`.
    case text
    /// One JSON object a line.
    case json
}

/// Which messages the daemon writes: those of this level and of the graver ones.
public enum LogLevel: String, Sendable, CaseIterable {
    case trace, debug, info, notice, warning, error, critical
}
