import LensCore
import LensWire
import NIOCore
import Testing

@Suite struct FrameEncoderTests {
    /// The envelope that is written by hand is what protobuf-c writes.
    @Test(arguments: [0, 1, 127, 128, 300, 70_000]) func replyIsTheFrameOfItsMessage(size: Int) throws {
        let event = QueryEvent.values([UInt8](repeating: 9, count: size))
        for callID in [1, 127, 128, 16_384, UInt32.max] {
            let (buffer, messageBytes) = try FrameEncoder.reply(event, StreamingMethod.query.event, callID: callID)
            let message = try StreamingMethod.query.event.encode(event)
            let frame = try Coding.serverFrame.encode(ServerFrame(callID: callID, .message(message)))
            #expect(messageBytes == message.count)
            #expect(Array(buffer.readableBytesView.dropFirst(4)) == frame)
            #expect(buffer.getInteger(at: 0, as: UInt32.self) == UInt32(frame.count))
        }
    }

    @Test func aReplyOverTheLimitIsRefused() throws {
        let limit = WireProtocol.maxReplyBytes
        let event = QueryEvent.values([UInt8](repeating: 0, count: limit))
        #expect { try FrameEncoder.reply(event, StreamingMethod.query.event, callID: 1) } throws: { error in
            (error as? LensError)?.code == .resourceExhausted
        }
        let fitting = QueryEvent.values([UInt8](repeating: 0, count: limit - 64))
        let (buffer, _) = try FrameEncoder.reply(fitting, StreamingMethod.query.event, callID: .max)
        #expect(buffer.readableBytes - 4 <= limit)
    }

    @Test func aRequestOverTheLimitIsRefused() throws {
        let call = StartCall(method: "/m", request: [UInt8](repeating: 0, count: WireProtocol.maxRequestBytes))
        #expect { try FrameEncoder.encode(ClientFrame(callID: 1, .start(call))) } throws: { error in
            (error as? LensError)?.code == .resourceExhausted
        }
    }
}
