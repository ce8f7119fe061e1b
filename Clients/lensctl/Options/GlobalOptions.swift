import ArgumentParser
import LensClient
import LensCore

/// What every command takes, before its name or after it.
struct GlobalOptions: ParsableArguments {
    @Option(help: "The daemon's socket. Default: $LENSD_SOCKET, else one's own daemon, else the machine's.")
    var socket: String?

    @Option(help: "The session that runs are kept in. Default: $LENSD_SESSION, else 'default'.")
    var session: String?

    @Option(help: "The model, NAME or NAME@raw. Default: $LENSD_MODEL, else the daemon's first.")
    var model: String?

    @Flag(help: "Print one JSON object and nothing else on standard output.")
    var json = false

    /// - Throws: `INVALID_ARGUMENT` for a name that cannot be one.
    func modelReference() throws(LensError) -> ModelReference {
        try ModelReference(parsing: model ?? Environment["LENSD_MODEL"] ?? "")
    }

    /// Connects to the daemon that is meant.
    ///
    /// - Throws: `UNAVAILABLE` that names all sockets that were tried.
    func connect() throws(LensError) -> LensConnection {
        let notice = WaitNotice(isShown: !json)
        return try connect(retry: RetryPolicy { error in notice.show(error) })
    }

    /// Likewise, with calls tried again as is said; `nil` makes each once.
    func connect(retry: RetryPolicy?) throws(LensError) -> LensConnection {
        try SocketLocator(socket: socket).connect(client: "lensctl/\(lensdVersion)", retry: retry)
    }

    var sessionName: String { session ?? Environment["LENSD_SESSION"] ?? "default" }
}

/// The process's environment; an empty variable counts as unset.
enum Environment {
    static subscript(_ name: String) -> String? {
        SocketLocator.variable(name)
    }
}
