import Glibc
import LensCore
import LensWire
import NIOCore

// The first byte of an input chooses a decoder of `decoders`, which wire_targets.py writes, or a stream of frames;
// anything but a value or a `LensError` is a find.

let stream: UInt8 = 255

/// The control: a trap that the fuzzer must find.
let isPlanted = getenv("LENS_FUZZ_PLANTED") != nil

/// What is decoded can be encoded, and comes back as it was.
func roundTrip<Value>(_ coding: Coding<Value>, _ bytes: UnsafeRawBufferPointer) throws {
    let value = try coding.decode(bytes)
    do {
        let encoded = try coding.encode(value)
        guard try coding.encode(coding.decode(encoded)) == encoded else {
            fatalError("\(value) is another value once it was encoded and decoded")
        }
    } catch {
        fatalError("\(value) was decoded and is refused when it is encoded again: \(error)")
    }
}

/// Cuts a stream that comes in pieces, decodes its frames and, of calls, their requests.
func cutFrames(_ bytes: UnsafeRawBufferPointer) throws {
    var decoder = FrameDecoder(maxFirstBytes: WireProtocol.maxHelloBytes, maxBytes: WireProtocol.maxRequestBytes)
    var buffer = ByteBuffer(bytes: [])
    var rest = bytes[...]
    defer { _ = decoder.shouldReclaimBytes(buffer: buffer) }
    while let size = rest.first {
        // A piece's size is part of what is fuzzed; its byte stays in the stream.
        buffer.write(rest.prefix(max(1, Int(size))))
        rest = rest.dropFirst(max(1, Int(size)))
        while let frame = try rest.isEmpty
            ? decoder.decodeLast(buffer: &buffer, seenEOF: true) : decoder.decode(buffer: &buffer)
        {
            try frame.withUnsafeReadableBytes { (bytes) throws in
                let frame = try Coding<ClientFrame>.clientFrame.decode(bytes)
                guard case .start(let start) = frame.body, let choice = start.method.first else { return }
                try start.request.withUnsafeBytes { try decoders[Int(choice) % decoders.count]($0) }
            }
        }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    guard count > 0 else { return 0 }
    precondition(!isPlanted || count < 3 || start[1] != 8, "planted")
    let bytes = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
    do {
        if start[0] == stream {
            try cutFrames(bytes)
        } else {
            try decoders[Int(start[0]) % decoders.count](bytes)
        }
    } catch is LensError {
    } catch {
        fatalError("an error of another kind: \(error)")
    }
    return 0
}
