import Foundation
import LensClient
import LensCore
import LensWire
import Testing

/// What a client sees when the daemon is no daemon, or goes.
@Suite struct ConnectionLossTests {
    /// A listener that answers a hello, waits for a request, says what it is told to, and closes; on its own thread.
    private func withPeer(
        saying bytes: [UInt8], waitingFor requestBytes: Int = 0, _ body: (String) async throws -> Void
    ) async throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        let path = folder + "/s"
        let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(listener) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        #expect(bound == 0)
        listen(listener, 4)
        let greeting = try hello()
        // Blocks, and so stays off the threads that tasks share.
        let peer = Thread {
            let client = accept(listener, nil, nil)
            var room = [UInt8](repeating: 0, count: 4096)
            _ = recv(client, &room, room.count, 0)
            _ = send(client, greeting, greeting.count, Int32(MSG_NOSIGNAL))
            if requestBytes > 0 { _ = recv(client, &room, room.count, 0) }
            _ = send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            close(client)
        }
        peer.start()
        try await body(path)
        while !peer.isFinished { try await Task.sleep(for: .milliseconds(2)) }
    }

    private func hello() throws -> [UInt8] {
        try framed(
            ServerFrame(.hello(ServerHello(protocolVersion: 1, server: "x", maxRequestBytes: 1, maxReplyBytes: 1))))
    }

    private func framed(_ frame: ServerFrame) throws -> [UInt8] {
        let bytes = try Coding.serverFrame.encode(frame)
        return [0, 0, UInt8(bytes.count >> 8), UInt8(bytes.count & 255)] + bytes
    }

    private func call(_ path: String) async -> LensError? {
        do {
            _ = try await LensConnection.connect(path: path, retry: nil).tokenize(.of("x"))
            return nil
        } catch {
            return error
        }
    }

    @Test func aDaemonThatGoesLeavesUnavailable() async throws {
        try await withPeer(saying: [], waitingFor: 1) { path in
            let error = await call(path)
            #expect(error?.code == .unavailable)
            #expect(error?.message.contains("closed the connection") == true)
        }
    }

    @Test func whatTheDaemonSaidLastIsHeard() async throws {
        let last = try framed(ServerFrame(.status(Status(.resourceExhausted, "too much"))))
        try await withPeer(saying: last, waitingFor: 1) { path in
            #expect(await call(path) == LensError(.resourceExhausted, "too much"))
        }
    }

    @Test func nonsenseFromTheDaemonIsAnError() async throws {
        try await withPeer(saying: [0, 0, 0, 0], waitingFor: 1) { path in #expect(await call(path) != nil) }
        try await withPeer(saying: [0, 0, 0, 2, 255, 255], waitingFor: 1) { path in #expect(await call(path) != nil) }
        try await withPeer(saying: [255, 255, 255, 255], waitingFor: 1) { path in #expect(await call(path) != nil) }
        try await withPeer(saying: [0, 0, 1, 0, 1], waitingFor: 1) { path in
            #expect(await call(path)?.code == .unavailable)
        }
    }

    @Test func nobodyAnswers() throws {
        #expect { _ = try LensConnection.connect(path: "/nowhere/lensd.sock") } throws: { error in
            (error as? LensError)?.code == .unavailable
        }
        #expect { _ = try LensConnection.connect(path: "/" + String(repeating: "x", count: 200)) } throws: { error in
            (error as? LensError)?.code == .invalidArgument
        }
    }
}
