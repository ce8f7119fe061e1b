import LensClient
import LensCore
import LensWire
import Testing

@Suite struct LensConnectionTests {
    @Test func unaryCallRoundTrips() async throws {
        try await withServer { live in
            let connection = try live.connect()
            #expect(connection.server == "lensd/test")
            #expect(connection.protocolVersion == 1)
            let reply = try await connection.tokenize(.of("Once upon a time\0 ünd 🐣"))
            #expect(reply.tokens == [[Token(id: 1, text: "Once upon a time\0 ünd 🐣")]])
        }
    }

    @Test func streamArrivesWhole() async throws {
        try await withServer { live in
            let connection = try live.connect()
            // 16 MiB: four windows.
            let activations = try await connection.query(QueryRequest(source: .run("last"), hook: "256"))
            #expect(activations.count == 1)
            #expect(activations.first?.bytes.count == 256 * 65536)
            for chunk in 0..<256 { #expect(activations[0].bytes[chunk * 65536] == UInt8(chunk)) }
        }
    }

    /// The median round trip; the aim is 0.3 ms, the bound leaves room for a busy machine.
    @Test func unaryOverheadIsSmall() async throws {
        try await withServer { live in
            let connection = try live.connect()
            let clock = ContinuousClock()
            var times: [Duration] = []
            for _ in 0..<1000 {
                times.append(try await clock.measure { _ = try await connection.tokenize(.of("x")) })
            }
            #expect(times.sorted()[500] < .milliseconds(2))
            let connecting = try clock.measure { _ = try live.connect() }
            print("wire: unary round trip \(times.sorted()[500]), connect and hello \(connecting)")
        }
    }

    /// 256 MiB in chunks of 64 KiB.
    @Test func streamsAreFast() async throws {
        try await withServer { live in
            let connection = try live.connect()
            let time = try await ContinuousClock().measure {
                for try await _ in try connection.queryEvents(QueryRequest(source: .run("last"), hook: "4096")) {}
            }
            print("wire: 256 MiB streamed in \(time)")
            #expect(time < .seconds(20))
        }
    }
}
