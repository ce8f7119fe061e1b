import LensCore
import LensWire
import Testing

@Suite struct FrameEncoderTests {
    @Test func aRequestOverTheLimitIsRefused() throws {
        let call = StartCall(method: "/m", request: [UInt8](repeating: 0, count: WireProtocol.maxRequestBytes))
        #expect { try FrameEncoder.encode(ClientFrame(callID: 1, .start(call))) } throws: { error in
            (error as? LensError)?.code == .resourceExhausted
        }
    }
}
