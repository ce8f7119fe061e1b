import LensCore
import Testing
import lensctl

@Suite struct NumpyArrayTests {
    /// A file of version 1 with this header and these bytes.
    private func file(_ header: String, _ values: [UInt8]) -> [UInt8] {
        let length = UInt16(header.utf8.count)
        return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)] + Array(header.utf8)
            + values
    }

    private func bytes<Bits: FixedWidthInteger>(_ numbers: [Bits]) -> [UInt8] {
        numbers.flatMap { withUnsafeBytes(of: $0.littleEndian) { Array($0) } }
    }

    private func header(_ type: String, _ shape: String, fortran: String = "False") -> String {
        "{'descr': '\(type)', 'fortran_order': \(fortran), 'shape': \(shape), }   \n"
    }

    @Test func whatLensctlWritesIsRead() throws {
        let values: [Float] = [1, -2.5, 3, .infinity, 0, 7]
        let written = try NumpyFile(elementType: .float32, shape: [2, 3], values: bytes(values.map(\.bitPattern)))
        let array = try NumpyArray(written.parts.flatMap { $0 }, name: "x.npy")
        #expect(array.shape == [2, 3])
        #expect(array.values == values)
    }

    @Test func numbersOfOtherSizesAreConverted() throws {
        let doubles = file(header("<f8", "(2,)"), bytes([Double(0.1).bitPattern, Double(-3).bitPattern]))
        #expect(try NumpyArray(doubles, name: "x").values == [Float(0.1), -3])
        let integers = file(header("<i8", "()"), bytes([Int64(-7)]))
        #expect(try NumpyArray(integers, name: "x").values == [-7])
        #expect(try NumpyArray(integers, name: "x").shape == [])
        // Version 2 has a longer length.
        let text = header("<i4", "(1, 2)")
        let second =
            [0x93] + Array("NUMPY".utf8) + [2, 0] + bytes([UInt32(text.utf8.count)]) + Array(text.utf8)
            + bytes([Int32(5), -6])
        #expect(try NumpyArray(second, name: "x").values == [5, -6])
    }

    @Test func whatIsWrongIsSaid() {
        let one = bytes([Float(1).bitPattern])
        for (bytes, words) in [
            ([], "is no .npy file"), (Array("not an array at all".utf8), "is no .npy file"),
            (file(header("<f4", "(2,)"), one), "has shape [2], but holds 4 bytes of values of 4 bytes"),
            (file(header("<f4", "(1,)"), one + [0]), "has shape [1], but holds 5 bytes"),
            (file(header("<f2", "(2,)"), one), "holds values of type '<f2'"),
            (file(header(">f4", "(1,)"), one), "expected float32 or float64"),
            (file(header("<f4", "(1,)", fortran: "True"), one), "Fortran order"),
            (file(header("<f4", "(-1,)"), one), "damaged"), (file(header("<f4", "(99999999999,)"), one), "damaged"),
            (file("{'shape': (1,)}", one), "damaged"), (file(header("<f4", "(1,)"), one).dropLast(20), "damaged"),
            (file(header("<f4", "(4294967296, 4294967296, 4294967296)"), one), "damaged"),
        ] as [([UInt8], String)] {
            #expect {
                try NumpyArray(bytes, name: "x.npy")
            } throws: { error in
                let error = error as? LensError
                return error?.code == .invalidArgument && error?.message.contains(words) == true
            }
        }
    }
}
