import Foundation
import LensExplore
import Testing

/// A server over stub calls, and a client that sends it whatever a test writes.
struct TestBrowser {
    struct Answer {
        let status: Int
        let headers: [String: String]
        let body: String
    }

    let server: ExploreServer
    let calls: StubCalls
    /// `name=value`, as a browser that was let in sends it.
    private(set) var cookie = ""

    var host: String { "127.0.0.1:\(server.port)" }

    /// Starts a server, lets this browser in and ends the server after `body`.
    static func with(
        limits: ServerLimits = ServerLimits(), ownUserID: UInt32 = geteuid(), isLetIn: Bool = true,
        _ body: (TestBrowser) async throws -> Void
    ) async throws {
        let calls = StubCalls()
        let server = try await ExploreServer.start(calls, limits: limits, ownUserID: ownUserID)
        var browser = TestBrowser(server: server, calls: calls)
        do {
            if isLetIn {
                let opened = try await browser.get(browser.makePath())
                let set = try #require(opened.headers["set-cookie"])
                browser.cookie = String(set.prefix { $0 != ";" })
            }
            try await body(browser)
        } catch {
            await server.shutdown()
            throw error
        }
        await server.shutdown()
    }

    /// The path of a new address, token and all.
    func makePath() -> String {
        String(server.makeAddress().dropFirst("http://\(host)".count))
    }

    func get(_ path: String, _ changes: [String: String?] = [:]) async throws -> Answer {
        try await send("GET", path, [:], changes, body: "")
    }

    /// A call as the page makes it, but for what `changes` says; `nil` leaves a header out.
    func post(_ name: String, _ body: String = "{}", _ changes: [String: String?] = [:]) async throws -> Answer {
        let usual = [
            "Origin": "http://\(host)", "Cookie": cookie, "Content-Type": "application/json",
            "Content-Length": String(body.utf8.count),
        ]
        return try await send("POST", "/api/\(name)", usual, changes, body: body)
    }

    func send(
        _ method: String, _ path: String, _ usual: [String: String], _ changes: [String: String?], body: String
    ) async throws -> Answer {
        var headers = usual.merging(["Host": host, "Connection": "close"]) { $1 }
        for (name, value) in changes { headers[name] = value }
        let lines = headers.map { "\($0): \($1)\r\n" }.joined()
        return try await exchange("\(method) \(path) HTTP/1.1\r\n\(lines)\r\n\(body)")
    }

    /// Sends bytes as they are, and reads until the server ends the connection.
    func exchange(_ request: String) async throws -> Answer {
        let connection = try Connection(port: server.port)
        defer { connection.close() }
        connection.send(request)
        return try Self.answer(await connection.rest())
    }

    private static func answer(_ text: String) throws -> Answer {
        let parts = text.split(separator: "\r\n\r\n", maxSplits: 1, omittingEmptySubsequences: false)
        let lines = parts[0].components(separatedBy: "\r\n")
        let status = try #require(lines[0].split(separator: " ").dropFirst().first.flatMap { Int($0) }, "\(text)")
        let headers = lines.dropFirst().map { line in
            let pair = line.split(separator: ":", maxSplits: 1)
            return (pair[0].lowercased(), pair.count == 2 ? pair[1].trimmingCharacters(in: .whitespaces) : "")
        }
        return Answer(
            status: status, headers: Dictionary(headers, uniquingKeysWith: { $1 }),
            body: parts.count == 2 ? String(parts[1]) : "")
    }
}

/// One TCP connection to the server.
struct Connection {
    private let descriptor: Int32

    init(port: Int) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = UInt16(port).bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        // A server that does not answer fails the test rather than holding it.
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        try #require(result == 0, "no connection: \(String(cString: strerror(errno)))")
    }

    func send(_ text: String) {
        let bytes = Array(text.utf8)
        _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    }

    /// Everything that comes until the server ends the connection, read outside the pool that answers it.
    func rest() async -> String {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async {
                var all: [UInt8] = []
                var piece = [UInt8](repeating: 0, count: 1 << 16)
                while case let count = recv(descriptor, &piece, piece.count, 0), count > 0 { all += piece[..<count] }
                continuation.resume(returning: String(decoding: all, as: UTF8.self))
            }
        }
    }

    func close() {
        Glibc.close(descriptor)
    }
}
