import Foundation
import LensClient
import LensCore
import LensWire
import Testing

/// Slow, silent and too many peers; shutting down.
@Suite struct ConnectionClockTests {
    @Test func aHelloIsDue() async throws {
        var limits = WireLimits()
        limits.helloTimeout = .milliseconds(500)
        try await withServer(limits: limits) { live in
            let silent = try RawClient(path: live.path)
            let answer = try await silent.receiveAnswer()
            #expect(answer?.callID == 0)
            #expect(answer?.status?.code == .deadlineExceeded)
            #expect(try await silent.isClosed())
            let inTime = try await RawClient.greeted(path: live.path)
            try await Task.sleep(for: .milliseconds(700))
            try await inTime.send(ClientFrame(.ping))
            #expect(try await inTime.receiveAnswer()?.body == .pong)
        }
    }

    @Test func aFrameIsDueFromItsFirstByte() async throws {
        var limits = WireLimits()
        limits.frameTimeout = .milliseconds(200)
        try await withServer(limits: limits) { live in
            let dripping = try await RawClient.greeted(path: live.path)
            let bytes = try FrameEncoder.encode(try .start(1, .tokenize, .of("a long enough text to drip for a while")))
            let start = ContinuousClock.now
            var dripped = 0
            for byte in bytes {
                try await dripping.send(bytes: [byte])
                dripped += 1
                try await Task.sleep(for: .milliseconds(20))
                if ContinuousClock.now - start > .milliseconds(600) { break }
            }
            #expect(dripped < bytes.count)
            #expect(try await dripping.receiveAnswer()?.status?.code == .deadlineExceeded)
            #expect(try await dripping.isClosed())
            // Whole frames at any pace are fine.
            let patient = try await RawClient.greeted(path: live.path)
            for _ in 0..<5 {
                try await Task.sleep(for: .milliseconds(100))
                try await patient.send(ClientFrame(.ping))
                #expect(try await patient.receiveAnswer()?.body == .pong)
            }
        }
    }

    @Test func anIdleConnectionIsClosedAndABusyOneIsNot() async throws {
        var limits = WireLimits()
        limits.idleTimeout = .seconds(1)
        let gate = Gate()
        try await withServer(gate.router, limits: limits) { live in
            let busy = try await RawClient.greeted(path: live.path)
            try await busy.send(try .start(1, .run, .lasting(milliseconds: 0)))
            try await gate.waitForHeld(1)
            let idle = try await RawClient.greeted(path: live.path)
            #expect(try await idle.receiveAnswer()?.status?.code == .unavailable)
            #expect(try await idle.isClosed())
            gate.open()
            guard case .message = try await busy.receiveAnswer()?.body else {
                Issue.record("the busy connection was closed")
                return
            }
            #expect(try await busy.receiveAnswer()?.status?.code == .ok)
        }
    }

    @Test func connectionsPerUserAreLimited() async throws {
        var limits = WireLimits()
        limits.connectionsPerUser = 2
        try await withServer(limits: limits) { live in
            let first = try live.connect()
            var second: LensConnection? = try live.connect()
            #expect(second?.server == "lensd/test")
            #expect { _ = try live.connect() } throws: { error in
                (error as? LensError)?.code == .resourceExhausted
            }
            second = nil
            for _ in 0..<500 where live.ledger.connectionCount > 1 { try await Task.sleep(for: .milliseconds(5)) }
            _ = try live.connect()
            #expect(try await first.tokenize(.of("x")).tokens.count == 1)
        }
    }

    @Test func bufferedBytesPerUserAreLimited() async throws {
        var limits = WireLimits()
        limits.bufferedBytesPerUser = 1 << 20
        try await withServer(limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            let text = String(repeating: "x", count: 600 << 10)
            func call() throws -> [UInt8] {
                let request = RunRequest(
                    model: ModelReference(name: "m"), prompts: [.text(text, prependBOS: true)], topCount: 400)
                return try UnaryMethod.run.request.encode(request)
            }
            try await client.send(
                ClientFrame(callID: 1, .start(StartCall(method: UnaryMethod.run.path, request: call()))))
            try await Task.sleep(for: .milliseconds(50))
            try await client.send(
                ClientFrame(callID: 2, .start(StartCall(method: UnaryMethod.run.path, request: call()))))
            let answer = try await client.receiveAnswer()
            #expect(answer?.status?.code == .resourceExhausted)
        }
    }

    @Test func strangersWithoutANumberAreRefused() async throws {
        // Needs root, to become somebody else.
        guard geteuid() == 0 else { return }
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        chmod(folder, 0o755)
        let socket = try ListeningSocket.bind(path: folder + "/s", mode: 0o666)
        let server = try await WireServer.start(.echo, on: socket, logger: .silent)
        let hello = try FrameEncoder.encode(.hello)
        func connects(as uid: Int) async -> Bool {
            let bytes = hello.map(String.init).joined(separator: ",")
            let script =
                "socket(S, PF_UNIX, SOCK_STREAM, 0) && connect(S, sockaddr_un(q(\(socket.path)))) or exit 8; "
                + "syswrite(S, pack(q(C*), \(bytes))); exit(sysread(S, $b, 4) == 4 ? 0 : 9)"
            let command = "setpriv --reuid \(uid) --regid \(uid) --clear-groups perl -MSocket -e '\(script)'"
            return await withCheckedContinuation { continuation in
                Thread.detachNewThread { continuation.resume(returning: system(command) == 0) }
            }
        }
        #expect(await connects(as: 1234))
        #expect(await !connects(as: 65534))
        await server.shutdown(grace: .zero)
    }

    // MARK: - Shutting down

    @Test func drainingFinishesWhatRuns() async throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        let gate = Gate()
        let socket = try ListeningSocket.bind(path: folder + "/s")
        let server = try await WireServer.start(gate.router, on: socket, logger: .silent)
        let connection = try LensConnection.connect(path: socket.path)
        let idle = try await RawClient.greeted(path: socket.path)
        let busy = try await RawClient.greeted(path: socket.path)
        try await busy.send(try .start(1, .query, QueryRequest(source: .run("last"), hook: "x"), window: .max))
        async let reply = connection.run(.lasting(milliseconds: 0))
        try await gate.waitForHeld(2)
        async let stopped: Void = server.shutdown(grace: .seconds(60))

        // An idle connection is told and closed; a new call on a busy one is refused; nobody new comes in.
        #expect(try await idle.receiveAnswer()?.status?.code == .unavailable)
        #expect(try await idle.isClosed())
        try await busy.send(try .start(2, .tokenize, .of("x")))
        let refusal = try await busy.receiveAnswer()
        #expect(refusal?.callID == 2)
        #expect(refusal?.status?.code == .unavailable)
        #expect(throws: LensError.self) { try LensConnection.connect(path: socket.path) }

        // What was under way arrives whole, also 4 MiB at a client that takes its time.
        gate.open()
        #expect(try await reply.loss == 0.5)
        try await Task.sleep(for: .milliseconds(300))
        var messages = 0
        while let frame = try await busy.receiveAnswer(), frame.callID == 1 {
            if let status = frame.status { #expect(status.code == .ok) } else { messages += 1 }
        }
        #expect(messages == 64)
        #expect(try await busy.isClosed())
        await stopped
        #expect(access(socket.path, F_OK) != 0)
        await #expect { _ = try await connection.tokenize(.of("x")) } throws: { error in
            (error as? LensError)?.code == .unavailable
        }
    }

    @Test func drainingEndsWhatOutlastsTheGrace() async throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        let socket = try ListeningSocket.bind(path: folder + "/s")
        let server = try await WireServer.start(.echo, on: socket, logger: .silent)
        let connection = try LensConnection.connect(path: socket.path)
        let reply = Task { try await connection.run(.lasting(milliseconds: 30_000)) }
        try await Task.sleep(for: .milliseconds(50))
        let time = await ContinuousClock().measure { await server.shutdown(grace: .milliseconds(100)) }
        #expect(time < .seconds(5))
        await #expect { _ = try await reply.value } throws: { error in
            (error as? LensError)?.code == .unavailable
        }
    }
}
