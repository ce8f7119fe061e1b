import ArgumentParser
import Glibc
import LensConfiguration
import LensCore
import LensStore
import LensTensor
import Logging

/// The daemon's flags; everything else is in ``DaemonProcess``.
@main
struct LensdCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lensd",
        abstract: "Keeps transformer language models resident and lets the users of this machine look inside them.",
        discussion: """
            Runs in the foreground until SIGTERM or Ctrl-C. Once calls are accepted, one line with the word 'ready' \
            and the socket's path goes to stderr. Without any model the embedded one, tinytales-1l, is served. \
            A folder in the state folder's 'models' is a model too, and loaded when somebody asks for it by name.

            Environment: LENSD_SOCKET and LENSD_STATE stand in for --socket and --state, LENSD_MODELS names the folder \
            of the embedded model, LENSD_LOG sets the log level (trace, debug, info, notice, warning, error).
            """,
        version: lensdVersion)

    @Option(help: ArgumentHelp("Where to listen. Default: $XDG_RUNTIME_DIR/lensd/lensd.sock", valueName: "path"))
    var socket: String?

    @Option(help: ArgumentHelp("Where sessions are kept. Default: $XDG_STATE_HOME/lensd", valueName: "dir"))
    var state: String?

    @Option(
        name: .customLong("model"),
        help: ArgumentHelp(
            "A Hugging Face model folder to serve under NAME; may be given again. The first is the default model.",
            valueName: "NAME=DIR"),
        transform: ModelArgument.init(parsing:))
    var models: [ModelArgument] = []

    @Option(help: ArgumentHelp("Threads that compute. Default: one per available core", valueName: "n"))
    var threads: Int?

    @Option(
        help: ArgumentHelp(
            "Memory for models' weights, such as 8G. Default: half of the machine's, or of the control group's",
            valueName: "size"),
        transform: Self.size(parsing:))
    var memory: ByteCount?

    @Option(help: ArgumentHelp("A configuration file (TOML); flags win over it", valueName: "file"))
    var config: String?

    @Flag(help: "Print what the flags and the configuration come to, and end.")
    var checkConfig = false

    @Option(
        help: ArgumentHelp(
            "Put a backup of 'lensctl store backup', or a copy made before a migration, in the place of the sessions, "
                + "which are set aside, and end. No daemon may run on the state folder.", valueName: "file"))
    var restore: String?

    func validate() throws {
        if let threads, !(1...1024).contains(threads) {
            throw ValidationError("--threads must be in 1...1024; received \(threads)")
        }
        for (index, model) in models.enumerated() where models[..<index].contains(where: { $0.name == model.name }) {
            throw ValidationError("--model names '\(model.name)' twice; every model needs a name of its own")
        }
    }

    func run() async throws {
        BLAS.restartWithBestKernels()
        let environment = Environment()
        var flags = flags
        flags.logLevel = try Self.logLevel(environment)
        do {
            let source = SettingsSource(
                flags: flags, file: config, environment: environment,
                socket: checkConfig || restore != nil ? nil : try ActivatedSocket.take(environment))
            if let restore { return try Self.restore(restore, in: source.statePath()) }
            let settings = try source.read()
            if checkConfig { return print(settings.description) }
            let log = DaemonLog(settings.logging, environment: environment)
            defer { log.flush() }
            LoggingSystem.bootstrap { _ in LineLogHandler(log) }
            try await DaemonProcess(settings, from: source, log: log).run()
        } catch {
            StandardError.write("lensd: \(error.message)\n")
            throw ExitCode(error.status.rawValue)
        }
    }

    private static func restore(_ file: String, in state: String) throws(StartupError) {
        umask(0o077)
        let folder = try StateFolder(at: state)
        for notice in try SessionStore.restore(file, in: folder) { print(notice) }
    }

    /// The flags in the configuration's terms.
    private var flags: Configuration {
        var flags = Configuration()
        flags.socket = socket
        flags.state = state
        flags.threads = threads
        flags.memory = memory
        flags.models = models.map { Configuration.Model(name: $0.name, path: $0.folder) }
        return flags
    }

    private static func size(parsing text: String) throws -> ByteCount {
        guard let size = ByteCount(text) else {
            throw ValidationError("a size is a number with K, M, G or T such as 8G; received '\(text)'")
        }
        return size
    }

    private static func logLevel(_ environment: Environment) throws -> LogLevel? {
        guard let text = environment["LENSD_LOG"] else { return nil }
        guard let level = LogLevel(rawValue: text) else {
            let levels = LogLevel.allCases.map(\.rawValue).joined(separator: ", ")
            throw ValidationError("LENSD_LOG is one of \(levels); received '\(text)'")
        }
        return level
    }
}
