import Glibc
import LensCore
import LensCheckpoint
import LensTestSupport
import Testing

struct SafetensorsFileTests {
    // MARK: Good files

    @Test func readsEveryTypeOfWeights() throws {
        let values: [Float] = [
            0, -0.0, 1, -1, 0.5, 65504, -65504, 6.103515625e-05, 5.960464477539063e-08, 0.333251953125,
        ]
        let halves: [UInt16] = [0, 0x8000, 0x3C00, 0xBC00, 0x3800, 0x7BFF, 0xFBFF, 0x0400, 0x0001, 0x3555]
        let header = """
            {"__metadata__":{"format":"pt"},
            "half":{"dtype":"F16","shape":[2,5],"data_offsets":[0,20]},
            "single":{"dtype":"F32","shape":[10],"data_offsets":[20,60]},
            "brain":{"shape":[3,1],"data_offsets":[60,66],"dtype":"BF16"},
            "empty":{"dtype":"F32","shape":[4,0],"data_offsets":[66,66]},
            "scalar":{"dtype":"F32","shape":[],"data_offsets":[66,70]},
            "double":{"dtype":"F64","shape":[3],"data_offsets":[70,94]}}
            """
        var data = halves.flatMap(Self.bytes)
        data += values.flatMap { Self.bytes($0.bitPattern) }
        data += [0x3F80, 0xC2F7, 0x0001].flatMap { Self.bytes(UInt16($0)) }
        data += Self.bytes(Float.pi.bitPattern)
        data += [-2.5, 0.1, 1e-46].flatMap { Self.bytes($0.bitPattern) }
        let folder = try TemporaryFolder()
        let file = try Self.open(folder, header, data)
        #expect(file.names == ["half", "single", "brain", "empty", "scalar", "double"])
        #expect(try Self.floats(file, "half", [2, 5]).map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try Self.floats(file, "single", [10]).map(\.bitPattern) == values.map(\.bitPattern))
        #expect(try Self.floats(file, "brain", [3, 1]) == [1, -123.5, Float(bitPattern: 0x0001_0000)])
        #expect(try Self.floats(file, "empty", [4, 0]) == [])
        #expect(try Self.floats(file, "scalar", []) == [.pi])
        #expect(try Self.floats(file, "double", [3]) == [-2.5, 0.1, 0])
        let info = try #require(file.tensors["half"])
        #expect(info.elementType == .float16 && info.shape == [2, 5] && info.byteRange.count == 20)
    }

    /// Every bit pattern of both half precisions, against the values that the formats define.
    @Test func convertsEveryHalf() throws {
        let finite16 = (0...UInt16.max).filter { $0 & 0x7C00 != 0x7C00 }
        let finiteB16 = (0...UInt16.max).filter { $0 & 0x7F80 != 0x7F80 }
        let split = 2 * finite16.count
        let header = """
            {"h":{"dtype":"F16","shape":[\(finite16.count)],"data_offsets":[0,\(split)]},
            "b":{"dtype":"BF16","shape":[\(finiteB16.count)],"data_offsets":[\(split),\(split + 2 * finiteB16.count)]}}
            """
        let folder = try TemporaryFolder()
        let file = try Self.open(folder, header, (finite16 + finiteB16).flatMap(Self.bytes))
        let halves = try Self.floats(file, "h", [finite16.count])
        for (bits, value) in zip(finite16, halves) {
            let significand = Float(bits & 0x3FF)
            let exponent = Int(bits >> 10 & 31)
            let magnitude =
                exponent == 0
                ? significand * Float(sign: .plus, exponent: -24, significand: 1)
                : (1024 + significand) * Float(sign: .plus, exponent: exponent - 25, significand: 1)
            let expected = bits >> 15 == 0 ? magnitude : -magnitude
            #expect(value.bitPattern == expected.bitPattern)
        }
        let brains = try Self.floats(file, "b", [finiteB16.count])
        #expect(zip(finiteB16, brains).allSatisfy { UInt32($0) << 16 == $1.bitPattern })
    }

    @Test func tensorsOverSeveralPieces() throws {
        let count = 300_001
        let values = (0..<count).map { Float($0) * 0.25 - 7 }
        let header = #"{"x":{"dtype":"F32","shape":[\#(count)],"data_offsets":[0,\#(4 * count)]}}"#
        let folder = try TemporaryFolder()
        let file = try Self.open(folder, header, values.flatMap { Self.bytes($0.bitPattern) })
        #expect(try Self.floats(file, "x", [count]) == values)
        var broken = values
        broken[299_999] = -.infinity
        let other = try Self.open(folder, header, broken.flatMap { Self.bytes($0.bitPattern) })
        #expect(
            throws: LensError.invalidArgument(
                "model.safetensors: tensor 'x': every weight must be finite; element 299999 is -inf")
        ) { try Self.floats(other, "x", [count]) }
    }

    // MARK: Reading what is not there

    @Test func shapesAndNamesMustFit() throws {
        let folder = try TemporaryFolder()
        let header = """
            {"w":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},
            "i":{"dtype":"I64","shape":[1],"data_offsets":[8,16]}}
            """
        let file = try Self.open(folder, header, [UInt8](repeating: 0, count: 16))
        #expect(
            throws: LensError.invalidArgument("model.safetensors: tensor 'w': expected shape [2, 1]; found [1, 2]")
        ) { try Self.floats(file, "w", [2, 1]) }
        #expect(
            throws: LensError.invalidArgument(
                "model.safetensors: tensor 'i': expected type F64, F32, F16 or BF16; found I64")
        ) { try Self.floats(file, "i", [1]) }
        #expect(throws: LensError.notFound("model.safetensors has no tensor 'v'")) { try Self.floats(file, "v", [1]) }
        #expect(throws: LensError.self) {
            try file.read("w", expectedShape: [1, 2], into: UnsafeMutableBufferPointer(start: nil, count: 0))
        }
    }

    @Test(arguments: [
        ("F32", "0000C07F", "nan"), ("F32", "0000807F", "inf"), ("F16", "007E", "nan"), ("F16", "00FC", "-inf"),
        ("BF16", "C0FF", "nan"), ("BF16", "80FF", "-inf"), ("F64", "000000000000F87F", "nan"),
        // The largest float64 is beyond float32.
        ("F64", "FFFFFFFFFFFFEF7F", "inf"),
    ])
    func weightsMustBeFinite(type: String, hexadecimal: String, shown: String) throws {
        var digits = hexadecimal[...]
        var element: [UInt8] = []
        while let byte = UInt8(digits.prefix(2), radix: 16) {
            element.append(byte)
            digits = digits.dropFirst(2)
        }
        let data = [UInt8](repeating: 0, count: 40 * element.count) + element
        let folder = try TemporaryFolder()
        let header = #"{"w":{"dtype":"\#(type)","shape":[41],"data_offsets":[0,\#(data.count)]}}"#
        let file = try Self.open(folder, header, data)
        let error = #expect(throws: LensError.self) { try Self.floats(file, "w", [41]) }
        #expect(error?.code == .invalidArgument)
        let message = error?.message.replacing("-nan", with: "nan")
        #expect(message == "model.safetensors: tensor 'w': every weight must be finite; element 40 is \(shown)")
    }

    @Test func truncationAndChangeAreSeenWhileReading() throws {
        let folder = try TemporaryFolder()
        let header = #"{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}"#
        let file = try Self.open(folder, header, [UInt8](repeating: 0, count: 16))
        #expect(try Self.floats(file, "w", [4]) == [0, 0, 0, 0])
        let path = folder.path + "/model.safetensors"
        let writer = Glibc.open(path, O_WRONLY)
        defer { close(writer) }
        #expect(pwrite(writer, [1], 1, 8 + header.utf8.count) == 1)
        let changed = #expect(throws: LensError.self) { try Self.floats(file, "w", [4]) }
        #expect(changed?.code == .dataLoss)
        #expect(changed?.message.contains("'w'") == true)
        #expect(ftruncate(writer, off_t(8 + header.utf8.count + 12)) == 0)
        let truncated = #expect(throws: LensError.self) { try Self.floats(file, "w", [4]) }
        #expect(truncated?.code == .dataLoss)
        #expect(truncated?.message.contains("became shorter") == true)
    }

    // MARK: Support

    static func bytes(_ value: some FixedWidthInteger) -> [UInt8] {
        withUnsafeBytes(of: value.littleEndian) { Array($0) }
    }

    static func open(_ folder: TemporaryFolder, _ header: String, _ data: [UInt8]) throws -> SafetensorsFile {
        let path = try folder.write(
            "model.safetensors", bytes(UInt64(header.utf8.count)) + Array(header.utf8) + data)
        return try SafetensorsFile(opening: CheckpointFile(path: path))
    }

    static func floats(_ file: some TensorSource, _ name: String, _ shape: [Int]) throws -> [Float] {
        let count = shape.reduce(1, *)
        let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        defer { buffer.deallocate() }
        buffer.initialize(repeating: .nan)
        try file.read(name, expectedShape: shape, into: buffer)
        return Array(buffer)
    }
}
