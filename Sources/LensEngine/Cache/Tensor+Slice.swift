import LensCore
import LensTensor

extension Tensor {
    /// The elements that a resolved slice names, row-major; one axis per axis of this tensor.
    func selecting(_ axes: [TensorSlice.Axis]) -> Tensor {
        let strides = shape.indices.map { shape[($0 + 1)...].reduce(1, *) }
        var offsets = [0]
        for (axis, stride) in zip(axes, strides) {
            offsets = offsets.flatMap { offset in
                (0..<axis.count).map { offset + (axis.start + $0 * axis.step) * stride }
            }
        }
        var result = Tensor(uninitialized: [offsets.count])
        result.withMutablePointer { result in
            withPointer { source in
                for (index, offset) in offsets.enumerated() { result[index] = source[offset] }
            }
        }
        return result
    }

    /// Elements as little-endian bytes. Floats stay where they are, and `room` is held for as long as the bytes are.
    func valueBytes(_ range: Range<Int>, as type: ElementType, held room: AnswerReservation) -> ValueBytes {
        guard type != .int32 else { return ValueBytes(bytes(range, as: type)) }
        return withPointer { pointer in
            let values = UnsafeBufferPointer(start: pointer + range.lowerBound, count: range.count)
            return ValueBytes(lending: UnsafeRawBufferPointer(values), of: (self, room))
        }
    }

    /// Elements as little-endian bytes.
    func bytes(_ range: Range<Int>, as type: ElementType) -> [UInt8] {
        withPointer { pointer in
            let values = UnsafeBufferPointer(start: pointer + range.lowerBound, count: range.count)
            if type == .int32 {
                return values.flatMap { value in
                    withUnsafeBytes(of: (Int32(exactly: value) ?? 0).littleEndian) { Array($0) }
                }
            }
            return Array(UnsafeRawBufferPointer(values))
        }
    }
}
