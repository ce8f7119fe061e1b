public import LensCore

/// One activation as it came: what it is, and its values.
public struct Activation: Sendable {
    public let header: TensorHeader
    /// Little-endian, row-major, `header.elementType`.
    public internal(set) var bytes: [UInt8] = []

    init(header: TensorHeader) {
        self.header = header
    }

    /// The values of a float32 activation, row-major; `nil` for another type.
    public var floats: [Float]? {
        header.elementType == .float32 ? load(UInt32.self).map { Float(bitPattern: $0) } : nil
    }

    /// The values of an int32 activation (`hook_tokens`), row-major; `nil` for another type.
    public var integers: [Int32]? {
        header.elementType == .int32 ? load(UInt32.self).map { Int32(bitPattern: $0) } : nil
    }

    private func load<Number: FixedWidthInteger & BitwiseCopyable>(_ type: Number.Type) -> [Number] {
        let size = MemoryLayout<Number>.size
        return bytes.withUnsafeBytes { raw in
            (0..<raw.count / size).map { Number(littleEndian: raw.loadUnaligned(fromByteOffset: $0 * size, as: type)) }
        }
    }

    /// - Throws: `INTERNAL` where there are fewer or more bytes than the shape asks for.
    func checkComplete() throws(LensError) {
        var expected = header.elementType.size
        for size in header.shape {
            let (product, isTooBig) = expected.multipliedReportingOverflow(by: size)
            guard !isTooBig else { throw LensError(.internal, "the daemon sent an impossible shape \(header.shape)") }
            expected = product
        }
        guard bytes.count == expected else {
            throw LensError(
                .internal, "\(header.hook) \(header.shape) has \(expected) bytes; the daemon sent \(bytes.count)")
        }
    }
}
