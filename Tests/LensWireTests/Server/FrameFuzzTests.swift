import Glibc
import LensClient
import LensCore
import LensWire
import Testing

/// A short, seeded slice of fuzzing: broken frames at a live server, with a good client beside it.
///
/// `LENS_FUZZ_CONNECTIONS` and `LENS_FUZZ_SEED` make it longer and other.
@Suite struct FrameFuzzTests {
    private static let connections = setting("LENS_FUZZ_CONNECTIONS") ?? 250
    private static let seed = setting("LENS_FUZZ_SEED") ?? 20_261_123
    private static let framesPerConnection = 12

    @Test func brokenFramesHarmNobody() async throws {
        var limits = WireLimits()
        // What is left hanging ends with the test.
        limits.helloTimeout = .seconds(1)
        limits.frameTimeout = .seconds(1)
        try await withServer(limits: limits) { live in
            let good = try live.connect()
            let checks = Task {
                var count = 0
                while !Task.isCancelled {
                    let text = "good \(count)"
                    let reply = try await good.tokenize(.of(text))
                    #expect(reply.tokens == [[Token(id: 1, text: text)]])
                    count += 1
                }
                return count
            }
            var generator = SplitMix64(seed: UInt64(Self.seed))
            let seeds = try Self.seeds()
            for _ in 0..<Self.connections {
                // The server may refuse the connection while it is still burying earlier ones.
                guard let client = try? RawClient(path: live.path) else { continue }
                if Int.random(in: 0..<8, using: &generator) > 0 { try await client.send(.hello) }
                for _ in 0..<Self.framesPerConnection {
                    guard let seed = seeds.randomElement(using: &generator) else { continue }
                    try await client.send(bytes: Self.mutated(seed, &generator))
                }
                // Some go without a word, some leave the server time to answer.
                if Bool.random(using: &generator) { await Task.yield() }
            }
            checks.cancel()
            do {
                #expect(try await checks.value > 10)
            } catch let error as LensError {
                #expect(error.code == .cancelled)
            }
            #expect(try await good.tokenize(.of("after")).tokens.count == 1)
            for _ in 0..<1000 where live.ledger.connectionCount > 1 { try await Task.sleep(for: .milliseconds(5)) }
            #expect(live.ledger.connectionCount == 1)
        }
    }

    private static func setting(_ name: String) -> Int? {
        getenv(name).flatMap { Int(String(cString: $0)) }
    }

    private static func seeds() throws -> [[UInt8]] {
        var frames = Samples.clientFrames
        frames.append(try .start(1, .run, Samples.runRequests[0]))
        frames.append(try .start(2, .tokenize, Samples.tokenizeRequests[0]))
        frames.append(try .start(3, .query, Samples.queryRequests[0]))
        frames.append(try .start(4, .query, Samples.queryRequests[1]))
        frames.append(try .start(5, .query, QueryRequest(source: .run("last"), hook: "40"), window: 70_000))
        let hooked = BidirectionalMethod.runHooked
        for (index, message) in Samples.hookedRunMessages.enumerated() {
            let bytes = try hooked.message.encode(message)
            frames.append(
                ClientFrame(
                    callID: 6, index == 0 ? .start(StartCall(method: hooked.path, request: bytes)) : .message(bytes)))
        }
        return try frames.map { try FrameEncoder.encode($0) }
    }

    private static func mutated(_ frame: [UInt8], _ generator: inout SplitMix64) -> [UInt8] {
        var bytes = frame
        for _ in 0..<Int.random(in: 0...3, using: &generator) {
            switch Int.random(in: 0..<7, using: &generator) {
            case 0:  // one bit
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            case 1:  // one byte
                let index = Int.random(in: 0..<bytes.count, using: &generator)
                bytes[index] = [0, 1, 0x7f, 0x80, 0xff].randomElement(using: &generator) ?? 0
            case 2:  // cut
                bytes.removeLast(Int.random(in: 0..<bytes.count, using: &generator))
            case 3:  // doubled, with the length of one
                bytes += bytes.dropFirst(4)
            case 4:  // a piece again, with a length that fits
                let start = Int.random(in: 0..<bytes.count, using: &generator)
                bytes.insert(contentsOf: bytes[start...].prefix(40), at: start)
                bytes = withLength(Array(bytes.dropFirst(4)))
            case 5:  // a call id like others
                bytes = withLength([8, UInt8.random(in: 0..<7, using: &generator)] + bytes.dropFirst(4))
            default:  // noise
                let count = Int.random(in: 1...64, using: &generator)
                bytes = withLength((0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) })
            }
            if bytes.isEmpty { bytes = [0] }
        }
        return bytes
    }

    private static func withLength(_ message: [UInt8]) -> [UInt8] {
        let size = UInt32(truncatingIfNeeded: message.count)
        return [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } + message
    }
}
