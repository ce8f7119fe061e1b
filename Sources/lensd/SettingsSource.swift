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
        let configuration = if let file { try ConfigurationFile.read(file) } else { Configuration() }
        return try DaemonSettings(flags: flags, file: configuration, environment: environment, socket: socket?.path)
    }
}
