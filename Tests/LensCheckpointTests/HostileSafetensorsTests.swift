import Glibc
import LensCore
import LensCheckpoint
import LensTestSupport
import Testing

/// The classes of bad weights files of the reliability rules: a named error within a second each.
struct HostileSafetensorsTests {
    /// A file by its header, and what the error must say.
    struct Case: Sendable, CustomTestStringConvertible {
        let name: String
        let header: String
        var data = 16
        let says: String

        var testDescription: String { name }
    }

    private static let good = #""a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}"#

    static let cases: [Case] = [
        Case(name: "not JSON", header: "{ohno}", says: "expected a string at byte 1; found 'o'"),
        Case(name: "not an object", header: "[1]", says: "must begin with '{'"),
        Case(name: "zeros", header: "\0\0\0\0", says: "must begin with '{'"),
        Case(name: "unfinished", header: #"{"a":{"dtype":"F32""#, says: "expected ',' or '}'"),
        Case(name: "more after it", header: "{}{}", says: "expected the end"),
        Case(
            name: "nested too deep", header: #"{"a":"# + String(repeating: "[", count: 1_000_000),
            says: "nested deeper than 64"),
        Case(
            name: "nested objects", header: String(repeating: #"{"a":"#, count: 100_000),
            says: "nested deeper than 64"),
        Case(name: "the same tensor twice", header: "{\(good),\(good)}", says: "tensor 'a' is in the header twice"),
        Case(
            name: "the same field twice",
            header: #"{"a":{"dtype":"F32","dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#,
            says: "tensor 'a' has 'dtype' twice in the header"),
        Case(
            name: "no object", header: #"{"a":7}"#, says: "tensor 'a' must be an object in the header; found a number"),
        Case(
            name: "field missing", header: #"{"a":{"dtype":"F32","shape":[2]}}"#,
            says: "tensor 'a' lacks 'data_offsets' in the header"),
        Case(
            name: "field unknown",
            header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"stride":1}}"#, says: "found 'stride'"),
        Case(
            name: "unknown dtype", header: #"{"a":{"dtype":"F31","shape":[2],"data_offsets":[0,8]}}"#,
            says: "tensor 'a' has an unknown dtype 'F31'"),
        Case(
            name: "dtype a number", header: #"{"a":{"dtype":4,"shape":[2],"data_offsets":[0,8]}}"#,
            says: "tensor 'a' must have a string as dtype; found a number"),
        Case(
            name: "negative size", header: #"{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}"#,
            says: "shape must be in 0...9223372036854775807; received -2 (tensor 'a')"),
        Case(
            name: "minus zero", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[-0,8]}}"#,
            says: "must be an integer of 64 bits; received -0"),
        Case(
            name: "size with a fraction", header: #"{"a":{"dtype":"F32","shape":[2.5],"data_offsets":[0,8]}}"#,
            says: "shape must be an integer of 64 bits; received 2.5 (tensor 'a')"),
        Case(
            name: "size over 64 bits",
            header: #"{"a":{"dtype":"F32","shape":[99999999999999999999],"data_offsets":[0,8]}}"#,
            says: "must be an integer of 64 bits"),
        Case(
            name: "shape overflow",
            header: #"{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,8]}}"#,
            says: "tensor 'a' has a shape [4294967296, 4294967296] that overflows"),
        Case(
            name: "shape overflow by the element's size",
            header: #"{"a":{"dtype":"F64","shape":[4611686018427387904],"data_offsets":[0,8]}}"#, says: "that overflows"
        ),
        Case(
            name: "too many axes",
            header: #"{"a":{"dtype":"F32","shape":[1,1,1,1,1,1,1,1,1],"data_offsets":[0,4]}}"#,
            says: "tensor 'a' may have at most 8 numbers in shape"),
        Case(
            name: "three offsets", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8,9]}}"#,
            says: "at most 2 numbers in data_offsets"),
        Case(
            name: "one offset", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8]}}"#,
            says: "tensor 'a' must have data_offsets [begin, end]"),
        Case(
            name: "offsets reversed", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,0]}}"#,
            says: "with begin <= end; found [8, 0]"),
        Case(
            name: "offsets out of the file", header: #"{"a":{"dtype":"F32","shape":[5],"data_offsets":[0,20]}}"#,
            says: "tensor 'a' has data_offsets [0, 20], but the file has only 16 bytes of data"),
        Case(
            name: "offsets at the end of integers",
            header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[9223372036854775799,9223372036854775807]}}"#,
            says: "but the file has only 16 bytes of data"),
        Case(
            name: "bytes and shape differ", header: #"{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}"#,
            says: "tensor 'a' of type F32 and shape [3] must have 12 bytes; data_offsets are [0, 16]"),
        Case(
            name: "gap at the beginning", header: #"{"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            says: "tensor 'a' stands 8 bytes after the header"),
        Case(
            name: "gap", header: "{\(good)," + #""b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}"#,
            says: "tensor 'b' stands 4 bytes after tensor 'a'"),
        Case(
            name: "bytes left over", header: "{\(good)}",
            says: "has 8 bytes after tensor 'a' that belong to no tensor"),
        Case(
            name: "no tensors but bytes", header: "{}", says: "has 16 bytes after the header that belong to no tensor"),
        Case(
            name: "overlap", header: "{\(good)," + #""b":{"dtype":"F32","shape":[3],"data_offsets":[4,16]}}"#,
            says: "tensor 'b' overlaps tensor 'a' by 4 bytes"),
        Case(
            name: "the same bytes twice",
            header: "{\(good)," + #""b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, data: 8,
            says: "overlaps tensor"),
        Case(
            name: "endless name", header: "{\"" + String(repeating: "\\u0041", count: 100_000) + "\":0}",
            says: "a key may have at most 4096 bytes; that at byte 1 has 600000"),
        Case(
            name: "endless dtype",
            header: "{\"a\":{\"dtype\":\"" + String(repeating: "F", count: 1_000_000) + "\"}}",
            says: "has an unknown dtype '" + String(repeating: "F", count: 64) + "…'"),
        Case(
            name: "metadata no strings", header: #"{"__metadata__":{"format":1},\#(good)}"#, data: 8,
            says: "format must be a string in __metadata__"),
        Case(
            name: "lone surrogate",
            header: #"{"\ud800":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#, says: "a pair of surrogates"),
    ]

    @Test(arguments: cases)
    func header(of bad: Case) throws {
        let folder = try TemporaryFolder()
        let start = ContinuousClock.now
        let error = #expect(throws: LensError.self) {
            try SafetensorsFileTests.open(folder, bad.header, [UInt8](repeating: 0, count: bad.data))
        }
        // Not a measurement: it must not hang.
        #expect(ContinuousClock.now - start < .seconds(20))
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.hasPrefix("model.safetensors") == true, "\(error?.message ?? "")")
        #expect(error?.message.contains(bad.says) == true, "\(error?.message ?? "")")
    }

    @Test func headerThatIsNotUTF8() throws {
        for bytes: [UInt8] in [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82]] {
            let header =
                Array(#"{"a"#.utf8) + bytes + Array(#"":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#.utf8)
            let error = try #require(
                Self.error(length: UInt64(header.count), rest: header + [UInt8](repeating: 0, count: 8)))
            #expect(error == .invalidArgument("model.safetensors: the string at byte 2 is not UTF-8"))
        }
    }

    @Test func headerLengths() throws {
        let text = Array("{}".utf8)
        #expect(Self.error(length: 2, rest: text) == nil)
        #expect(Self.error(length: 0, rest: text) == .invalidArgument("model.safetensors has a header of 0 bytes"))
        #expect(
            Self.error(length: 3, rest: text)
                == .invalidArgument("model.safetensors says that its header has 3 bytes, but the file has 10"))
        for length in [32_000_001, UInt64(Int64.max), UInt64.max] {
            let error = Self.error(length: length, rest: text)
            #expect(
                error
                    == .invalidArgument(
                        "model.safetensors may have a header of at most 32000000 bytes; it says \(length)"))
        }
        let folder = try TemporaryFolder()
        for count in 0..<8 {
            let path = try folder.write("model.safetensors", [UInt8](repeating: 1, count: count))
            let expected = LensError.invalidArgument(
                "model.safetensors must begin with 8 bytes of header length; it has \(count) bytes")
            #expect(throws: expected) { try SafetensorsFile(opening: CheckpointFile(path: path)) }
        }
    }

    /// Every truncation of a good file is refused.
    @Test func truncations() throws {
        let path = Fixtures.path("gpt-neo-2l-f16/model.safetensors")
        let bytes = try Fixtures.bytes(at: path)
        let folder = try TemporaryFolder()
        let whole = try folder.write("model.safetensors", bytes)
        #expect(throws: Never.self) { try SafetensorsFile(opening: CheckpointFile(path: whole)) }
        for count in stride(from: 0, to: bytes.count, by: 97) + [bytes.count - 1] {
            let path = try folder.write("model.safetensors", bytes.prefix(count))
            #expect(throws: LensError.self) { try SafetensorsFile(opening: CheckpointFile(path: path)) }
        }
    }

    /// Random damage to a good file's header never traps and never makes a tensor outside the file.
    @Test func randomDamage() throws {
        let bytes = try Fixtures.bytes("gpt-neo-2l-f16/model.safetensors")
        let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        var generator = SplitMix(state: 7)
        let folder = try TemporaryFolder()
        var refused = 0
        for _ in 0..<1000 {
            var damaged = bytes
            for _ in 0..<Int.random(in: 1...3, using: &generator) {
                damaged[Int.random(in: 0..<8 + headerLength, using: &generator)] = .random(
                    in: 0...255, using: &generator)
            }
            let path = try folder.write("model.safetensors", damaged)
            do throws(LensError) {
                let file = try SafetensorsFile(opening: CheckpointFile(path: path))
                #expect(file.tensors.values.allSatisfy { $0.byteRange.upperBound <= damaged.count })
            } catch {
                refused += 1
            }
        }
        #expect(refused > 500)
    }

    /// The error of a file of a header length and what follows; `nil` for a good one.
    private static func error(length: UInt64, rest: [UInt8]) -> LensError? {
        do {
            let folder = try TemporaryFolder()
            let path = try folder.write("model.safetensors", SafetensorsFileTests.bytes(length) + rest)
            _ = try SafetensorsFile(opening: CheckpointFile(path: path))
            return nil
        } catch {
            return error as? LensError ?? LensError(.internal, "\(error)")
        }
    }
}

/// A generator with a seed, so that a failure comes again.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = (state ^ state >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
