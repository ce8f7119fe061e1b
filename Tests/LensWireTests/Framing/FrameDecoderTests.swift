import LensCore
import LensWire
import NIOCore
import Testing

@Suite struct FrameDecoderTests {
    private func decode(_ bytes: [UInt8], pieces: Int = 1) throws -> [ByteBuffer] {
        let processor = NIOSingleStepByteToMessageProcessor(FrameDecoder(maxFirstBytes: 8, maxBytes: 16))
        var frames: [ByteBuffer] = []
        let size = max(1, bytes.count / pieces)
        for start in stride(from: 0, to: bytes.count, by: size) {
            let piece = bytes[start..<min(start + size, bytes.count)]
            try processor.process(buffer: ByteBuffer(bytes: piece)) { frames.append($0) }
        }
        return frames
    }

    @Test func framesAreCutWhereverTheStreamIs() throws {
        let stream: [UInt8] = [0, 0, 0, 2, 1, 2, 0, 0, 0, 1, 3, 0, 0, 0, 4, 4, 5]
        for pieces in [1, 2, 5, 17] {
            #expect(try decode(stream, pieces: pieces).map { Array($0.readableBytesView) } == [[1, 2], [3]])
        }
    }

    @Test func theFirstFrameHasItsOwnLimit() throws {
        #expect(try decode([0, 0, 0, 8] + [UInt8](repeating: 7, count: 8)).count == 1)
        #expect(throws: LensError(.resourceExhausted, "a frame has at most 8 bytes here; received a length of 9")) {
            // Judged by the length alone: nothing of the frame is there.
            try decode([0, 0, 0, 9])
        }
        let first: [UInt8] = [0, 0, 0, 1, 1]
        #expect(try decode(first + [0, 0, 0, 16] + [UInt8](repeating: 7, count: 16)).count == 2)
        #expect(throws: LensError(.resourceExhausted, "a frame has at most 16 bytes here; received a length of 17")) {
            try decode(first + [0, 0, 0, 17])
        }
        #expect(throws: LensError.self) { try decode([255, 255, 255, 255]) }
    }

    @Test func anEmptyFrameIsRefused() {
        #expect(throws: LensError(.invalidArgument, "a frame has at least 1 byte; received a length of 0")) {
            try decode([0, 0, 0, 0])
        }
    }
}
