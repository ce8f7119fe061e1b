import LensCore

/// NumPy's `.npy` format, version 1.0: a magic number, a header of Python's making, the values in C order.
package struct NumpyFile {
    /// The header and then the values.
    package let parts: [[UInt8]]

    /// - Parameters:
    ///   - values: Little-endian, row-major.
    /// - Throws: `INTERNAL` where the values do not fill the shape.
    package init(elementType: ElementType, shape: [Int], values: [UInt8]) throws(LensError) {
        let descriptor: String
        switch elementType {
        case .float32: descriptor = "<f4"
        case .float16: descriptor = "<f2"
        case .int32: descriptor = "<i4"
        case .int64: descriptor = "<i8"
        case .bfloat16: throw .unimplemented("the .npy format has no bfloat16")
        }
        guard shape.reduce(elementType.size, &*) == values.count else {
            throw LensError(.internal, "a tensor of shape \(shape) came with \(values.count) bytes")
        }
        // A tuple of one has a comma at its end.
        let tuple = shape.count == 1 ? "(\(shape[0]),)" : "(" + shape.map(String.init).joined(separator: ", ") + ")"
        var header = "{'descr': '\(descriptor)', 'fortran_order': False, 'shape': \(tuple), }"
        // Magic, version, length and header fill whole lines of 64 bytes.
        let prefix = 10
        let padding = 64 - (prefix + header.utf8.count + 1) % 64
        header += String(repeating: " ", count: padding % 64) + "\n"
        let length = UInt16(header.utf8.count)
        let magic: [UInt8] = [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(length & 0xFF), UInt8(length >> 8)]
        parts = [magic + Array(header.utf8), values]
    }
}
