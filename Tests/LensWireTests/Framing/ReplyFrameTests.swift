import LensCore
import LensWire
import NIOCore
import Testing

@Suite struct ReplyFrameTests {
    /// The envelope that is written by hand is what protobuf-c writes, whether the values are copied or lent.
    @Test(arguments: [0, 1, 127, 128, 300, 16_383, 16_384, 70_000]) func isTheFrameOfItsMessage(size: Int) throws {
        let lender = Lender(byteCount: size + 3)
        for values in [ValueBytes(lender.bytes(3..<size + 3)), lender.lend(3..<size + 3)] {
            let event = QueryEvent.values(values)
            for callID in [1, 127, 128, 16_384, UInt32.max] {
                let reply = try ReplyFrame(event, StreamingMethod.query.event, callID: callID)
                let message = try StreamingMethod.query.event.encode(event)
                let frame = try Coding.serverFrame.encode(ServerFrame(callID: callID, .message(message)))
                let bytes = Array(reply.head.readableBytesView) + Array(reply.values?.readableBytesView ?? .init())
                #expect(reply.messageBytes == message.count)
                #expect(reply.byteCount == bytes.count)
                #expect(Array(bytes.dropFirst(4)) == frame)
                #expect(reply.head.getInteger(at: 0, as: UInt32.self) == UInt32(frame.count))
            }
        }
    }

    @Test func otherEventsAreTheFramesOfTheirMessages() throws {
        for event in Samples.queryEvents {
            let reply = try ReplyFrame(event, StreamingMethod.query.event, callID: 7)
            let message = try StreamingMethod.query.event.encode(event)
            #expect(
                Array(reply.head.readableBytesView.dropFirst(4))
                    == (try Coding.serverFrame.encode(ServerFrame(callID: 7, .message(message)))))
            #expect(reply.values == nil)
        }
    }

    @Test func oneOverTheLimitIsRefused() throws {
        let limit = WireProtocol.maxReplyBytes
        let lender = Lender(byteCount: limit)
        for values in [ValueBytes(lender.bytes(0..<limit)), lender.lend(0..<limit)] {
            #expect {
                try ReplyFrame(QueryEvent.values(values), StreamingMethod.query.event, callID: 1)
            } throws: { error in
                (error as? LensError)?.code == .resourceExhausted
            }
        }
        for values in [ValueBytes(lender.bytes(0..<limit - 64)), lender.lend(0..<limit - 64)] {
            let reply = try ReplyFrame(QueryEvent.values(values), StreamingMethod.query.event, callID: .max)
            #expect(reply.byteCount - 4 <= limit)
        }
    }

    /// Lent memory is its owner's until the last buffer of it is gone, however often and in which order it was lent.
    @Test func lentMemoryIsHeld() throws {
        let count = Lender.Count()
        var frames: [ReplyFrame] = []
        do {
            let lender = Lender(byteCount: 100_000, count: count)
            for range in [0..<100_000, 0..<50_000, 0..<100_000, 50_000..<100_000] {
                frames.append(
                    try ReplyFrame(QueryEvent.values(lender.lend(range)), StreamingMethod.query.event, callID: 1))
            }
        }
        let expected = Lender(byteCount: 100_000).bytes(0..<100_000)
        for (index, range) in [(0, 0..<100_000), (0, 0..<50_000), (1, 50_000..<100_000), (0, 0..<100_000)] {
            #expect(count.living == 1)
            let frame = frames.remove(at: index)
            #expect(frame.values.map { Array($0.readableBytesView) } == Array(expected[range]))
        }
        #expect(count.living == 0)
    }

    /// Whoever changes such a buffer changes a copy: growing moves it into memory of its own.
    @Test func lentBuffersGrowElsewhere() throws {
        let count = Lender.Count()
        let lender = Lender(byteCount: 20_000, count: count)
        var reply: ReplyFrame? = try ReplyFrame(
            QueryEvent.values(lender.lend(0..<20_000)), StreamingMethod.query.event, callID: 1)
        var buffer = try #require(reply?.values)
        reply = nil
        buffer.writeBytes([1, 2, 3])
        #expect(Array(buffer.readableBytesView) == lender.bytes(0..<20_000) + [1, 2, 3])
    }
}
