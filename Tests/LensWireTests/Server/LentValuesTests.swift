import LensClient
import LensCore
import LensWire
import Synchronization
import Testing

/// Values that lie in a tensor until the socket takes them, against good, slow and vanishing readers.
@Suite struct LentValuesTests {
    static let byteCount = 9 << 20
    static let piece = 1 << 20
    static let query = QueryRequest(source: .run("last"), hook: "x")

    /// Lends the memory of one lender per call, or of one for all of them, in pieces of a MiB.
    private func router(_ count: Lender.Count, shared: Lender? = nil) -> Router {
        var router = Router.echo
        router.streaming(.query) { _, _, sink in
            let lender = shared ?? Lender(byteCount: Self.byteCount, count: count)
            try await sink.send(
                .header(
                    TensorHeader(
                        hook: "x", prompt: 0, elementType: .float32, shape: [Self.byteCount / 4], model: "m",
                        fingerprint: "f", tokens: [])))
            for start in stride(from: 0, to: Self.byteCount, by: Self.piece) {
                try await sink.send(.values(lender.lend(start..<min(start + Self.piece, Self.byteCount))))
            }
        }
        return router
    }

    @Test func arriveByteByByte() async throws {
        let count = Lender.Count()
        let expected = Lender(byteCount: Self.byteCount).bytes(0..<Self.byteCount)
        try await withServer(router(count)) { live in
            let connection = try live.connect()
            for _ in 0..<3 {
                let found = try await connection.query(Self.query)
                #expect(found.map(\.bytes) == [expected])
            }
            #expect(try await count.emptied())
        }
    }

    @Test func oneTensorServesManyCallsAtOnce() async throws {
        let count = Lender.Count()
        let expected = Lender(byteCount: Self.byteCount).bytes(0..<Self.byteCount)
        var shared: Lender? = Lender(byteCount: Self.byteCount, count: count)
        try await withServer(router(count, shared: shared)) { live in
            let (one, other) = (try live.connect(), try live.connect())
            try await withThrowingTaskGroup(of: Bool.self) { group in
                for index in 0..<6 {
                    group.addTask {
                        try await (index % 2 == 0 ? one : other).query(Self.query).map(\.bytes) == [expected]
                    }
                }
                for try await isEqual in group { #expect(isEqual) }
            }
        }
        shared = nil
        #expect(try await count.emptied())
    }

    @Test func waitForASlowReader() async throws {
        let count = Lender.Count()
        let expected = Lender(byteCount: Self.byteCount).bytes(0..<Self.byteCount)
        try await withServer(router(count)) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .query, Self.query, window: .max))
            var bytes: [UInt8] = []
            while let frame = try await client.receiveAnswer() {
                if let status = frame.status {
                    #expect(status.code == .ok)
                    break
                }
                guard case .message(let message) = frame.body else { continue }
                if case .values(let part) = try StreamingMethod.query.event.decode(message) { bytes += part.array }
                try await Task.sleep(for: .milliseconds(20))
            }
            #expect(bytes == expected)
            #expect(try await count.emptied())
        }
    }

    @Test func areLetGoWhenTheirCallIsCancelled() async throws {
        let count = Lender.Count()
        let expected = Lender(byteCount: Self.byteCount).bytes(0..<Self.byteCount)
        try await withServer(router(count)) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .query, Self.query, window: .max))
            guard case .message = try await client.receiveAnswer()?.body else {
                Issue.record("no message")
                return
            }
            try await client.send(ClientFrame(callID: 1, .cancel))
            // Pieces that were under way are whole.
            var bytes: [UInt8] = []
            while let frame = try await client.receiveAnswer() {
                if let status = frame.status {
                    #expect(status.code == .cancelled)
                    break
                }
                guard case .message(let message) = frame.body else { continue }
                if case .values(let part) = try StreamingMethod.query.event.decode(message) { bytes += part.array }
            }
            #expect(bytes.count < expected.count)
            #expect(bytes == Array(expected.prefix(bytes.count)))
            #expect(try await count.emptied())
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func areLetGoWhenTheClientVanishes() async throws {
        let count = Lender.Count()
        try await withServer(router(count)) { live in
            var client: RawClient? = try await RawClient.greeted(path: live.path)
            try await client?.send(try .start(1, .query, Self.query, window: .max))
            _ = try await client?.receiveAnswer()
            #expect(count.living == 1)
            client = nil
            #expect(try await count.emptied())
        }
    }

    /// What waits for a reader that takes nothing is two pieces of one tensor, not all of it, and ends with the reader.
    @Test func areLetGoWhenTheReaderStalls() async throws {
        let count = Lender.Count()
        var limits = WireLimits()
        limits.stallTimeout = .milliseconds(300)
        try await withServer(router(count), limits: limits) { live in
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(try .start(1, .query, Self.query, window: .max))
            for _ in 0..<500 where count.living == 0 { try await Task.sleep(for: .milliseconds(2)) }
            #expect(count.living == 1)
            #expect(try await count.emptied())
            #expect(try await client.isClosed())
        }
    }
}
