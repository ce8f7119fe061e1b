import ArgumentParser
import Glibc
import LensCheckpoint
import LensCore
import LensTokenizer

/// Encodes and decodes what comes on standard input, for those who compare with another tokenizer or its speed.
///
/// A request is a byte, a length and that many bytes: `t` and a text, answered with its ids and with the text of these;
/// `i` and ids, answered with their text. Lengths and ids have four bytes, little-endian, as has the count before ids.
/// `s` and a text are answered with the nanoseconds of one encoding, eight bytes.
struct TokenizerPipe: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tokenizer", abstract: "Encodes and decodes what comes on standard input.", shouldDisplay: false)

    @Argument(help: "A tokenizer.json.")
    var file: String

    func run() throws {
        let tokenizer = try Tokenizer(reading: NamedBytes(name: "tokenizer.json", bytes: try Self.contents(of: file)))
        var output: [UInt8] = []
        while let kind = Self.read(1)?.first, let length = Self.read(4).map(Self.number), let body = Self.read(length) {
            switch kind {
            case UInt8(ascii: "t"):
                let ids = tokenizer.encode(String(decoding: body, as: UTF8.self))
                Self.append(UInt32(ids.count), to: &output)
                for id in ids { Self.append(UInt32(bitPattern: id), to: &output) }
                Self.append(text: try tokenizer.decode(ids), to: &output)
            case UInt8(ascii: "i"):
                let ids = stride(from: 0, to: body.count, by: 4).map { Int32(Self.number(body[$0..<$0 + 4])) }
                Self.append(text: try tokenizer.decode(ids), to: &output)
            default:
                let text = String(decoding: body, as: UTF8.self)
                let start = ContinuousClock.now
                let count = tokenizer.encode(text).count
                let time = (ContinuousClock.now - start).components
                precondition(count > 0 || text.isEmpty, "a text has tokens")
                let nanoseconds = UInt64(time.seconds) * 1_000_000_000 + UInt64(time.attoseconds / 1_000_000_000)
                Self.append(UInt32(truncatingIfNeeded: nanoseconds), to: &output)
                Self.append(UInt32(truncatingIfNeeded: nanoseconds >> 32), to: &output)
                try Self.write(&output)
            }
            if output.count > 1 << 16 { try Self.write(&output) }
        }
        try Self.write(&output)
    }

    /// Exactly so many bytes; `nil` at the end of input.
    private static func read(_ count: Int) -> ArraySlice<UInt8>? {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = bytes.withUnsafeMutableBytes {
                Glibc.read(STDIN_FILENO, $0.baseAddress?.advanced(by: filled), count - filled)
            }
            guard got > 0 else { return nil }
            filled += got
        }
        return bytes[...]
    }

    private static func write(_ output: inout [UInt8]) throws {
        var rest = output[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(STDOUT_FILENO, $0.baseAddress, $0.count) }
            guard count > 0 else { throw LensError(.dataLoss, "cannot write to standard output") }
            rest.removeFirst(count)
        }
        output.removeAll(keepingCapacity: true)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> Int {
        bytes.reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    private static func append(_ number: UInt32, to output: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { output += $0 }
    }

    private static func append(text: String, to output: inout [UInt8]) {
        append(UInt32(text.utf8.count), to: &output)
        output += text.utf8
    }

    private static func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw LensError.notFound(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return bytes
    }
}
