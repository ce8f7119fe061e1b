import LensConfiguration
import LensCore
import LensWire

/// Where a daemon's settings come from: flags and environment, which stay, and the file, which may be read again.
struct SettingsSource: Sendable {
    let flags: Configuration
    /// The configuration file's path; `nil` where none was named.
    let file: String?
    let environment: Environment
    /// The socket that systemd handed over.
    let socket: ListeningSocket?

    /// - Throws: as ``ConfigurationFile/read(_:)`` and ``DaemonSettings``.
    func read() throws(StartupError) -> DaemonSettings {
        try DaemonSettings(flags: flags, file: try configuration(), environment: environment, socket: socket?.path)
    }

    /// The state folder's path alone, for what needs neither models nor a socket.
    func statePath() throws(StartupError) -> String {
        if let state = flags.state { return state }
        if let state = try configuration().state { return state }
        return try Places.state(environment)
    }

    private func configuration() throws(StartupError) -> Configuration {
        if let file { try ConfigurationFile.read(file) } else { Configuration() }
    }
}
