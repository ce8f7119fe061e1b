import Glibc
import LensClient
import LensCore
import LensWire
import Logging

/// A server with a router of the test's own on a socket in a temporary folder; gone when `body` returns.
func withServer<Result>(
    _ router: Router = .echo, limits: WireLimits = WireLimits(), grace: Duration = .seconds(5),
    onEnd: @escaping @Sendable (EndedCall) -> Void = { _ in },
    _ body: (LiveServer) async throws -> Result
) async throws -> Result {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let socket = try ListeningSocket.bind(path: folder + "/lensd.sock")
    let ledger = UsageLedger(limits: limits)
    let journal = CallJournal(onEnd: onEnd)
    let server = try await WireServer.start(
        router, on: socket, ledger: ledger, journal: journal, server: "lensd/test", logger: .silent)
    let live = LiveServer(path: socket.path, server: server, ledger: ledger, journal: journal)
    do {
        let result = try await body(live)
        await server.shutdown(grace: grace)
        return result
    } catch {
        await server.shutdown(grace: .zero)
        throw error
    }
}

struct LiveServer: Sendable {
    let path: String
    let server: WireServer
    let ledger: UsageLedger
    let journal: CallJournal

    func connect() throws -> LensConnection {
        try LensConnection.connect(path: path, client: "test/1")
    }
}

func temporaryFolder() throws -> String {
    var template = Array("/tmp/lens-wire-XXXXXX".utf8CString)
    let path = template.withUnsafeMutableBufferPointer { room in
        room.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
    }
    guard let path else { throw LensError(.internal, "mkdtemp failed: \(errno)") }
    return path
}

func removeFolder(_ path: String) {
    guard let folder = opendir(path) else { return }
    while let entry = readdir(folder) {
        let name = withUnsafeBytes(of: entry.pointee.d_name) { raw in
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        if name != ".", name != ".." { unlink(path + "/" + name) }
    }
    closedir(folder)
    rmdir(path)
}

extension Logger {
    /// Says nothing: tests provoke what a daemon logs.
    static var silent: Logger {
        Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    }
}
