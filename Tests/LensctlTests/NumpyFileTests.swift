import LensCore
import Testing
import lensctl

@Suite struct NumpyFileTests {
    private func header(_ shape: [Int], _ type: ElementType = .float32) throws -> [UInt8] {
        let count = shape.reduce(type.size, *)
        let file = try NumpyFile(elementType: type, shape: shape, values: [UInt8](repeating: 7, count: count))
        #expect(file.parts.count == 2)
        #expect(file.parts[1].count == count)
        return file.parts[0]
    }

    /// The bytes that `numpy.save` writes for `np.zeros((3, 4), "<f4")`.
    @Test func theHeaderIsNumpysOwn() throws {
        let bytes = try header([3, 4])
        #expect(Array(bytes.prefix(10)) == [0x93, 0x4E, 0x55, 0x4D, 0x50, 0x59, 1, 0, 0x76, 0])
        #expect(
            String(decoding: bytes.dropFirst(10), as: UTF8.self)
                == "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }" + String(repeating: " ", count: 58)
                + "\n")
    }

    @Test func shapesAreTuples() throws {
        func text(_ shape: [Int]) throws -> String { String(decoding: try header(shape).dropFirst(10), as: UTF8.self) }
        #expect(try text([]).contains("'shape': (), }"))
        #expect(try text([5]).contains("'shape': (5,), }"))
        #expect(try text([0, 2]).contains("'shape': (0, 2), }"))
        #expect(String(decoding: try header([2], .int32), as: UTF8.self).contains("'descr': '<i4'"))
    }

    @Test(arguments: 0..<40)
    func theHeaderFillsLinesOf64Bytes(axes: Int) throws {
        let bytes = try header([Int](repeating: 1, count: axes))
        #expect(bytes.count % 64 == 0)
        #expect(bytes.last == UInt8(ascii: "\n"))
        #expect(Int(bytes[8]) + Int(bytes[9]) << 8 == bytes.count - 10)
    }

    @Test func valuesThatDoNotFillTheShapeAreRefused() {
        #expect(throws: LensError.self) { try NumpyFile(elementType: .float32, shape: [2], values: [1, 2, 3]) }
    }
}
