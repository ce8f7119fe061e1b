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
}
