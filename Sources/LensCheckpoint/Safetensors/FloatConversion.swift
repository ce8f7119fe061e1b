/// Stored floats to float32, in loops that the compiler vectorises. Each returns whether every element was finite:
/// an exponent of all ones carries into the sign's place when one is added to it, and those bits are gathered.
enum FloatConversion {
    /// Source and destination have the same count.
    static func fromFloat32(
        _ source: UnsafeBufferPointer<UInt32>, to destination: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        var carry: UInt32 = 0
        for index in 0..<min(source.count, destination.count) {
            let bits = UInt32(littleEndian: source[index])
            carry |= (bits & 0x7F80_0000) &+ 0x0080_0000
            destination[index] = Float(bitPattern: bits)
        }
        return carry & 0x8000_0000 == 0
    }

    static func fromFloat16(
        _ source: UnsafeBufferPointer<UInt16>, to destination: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        // With the exponent 127 − 15 too small; the product sets it right, subnormals included.
        let scale = Float(sign: .plus, exponent: 112, significand: 1)
        var carry: UInt32 = 0
        for index in 0..<min(source.count, destination.count) {
            let bits = UInt32(UInt16(littleEndian: source[index]))
            carry |= (bits & 0x7C00) &+ 0x0400
            let magnitude = Float(bitPattern: (bits & 0x7FFF) &<< 13) * scale
            destination[index] = Float(bitPattern: magnitude.bitPattern | (bits & 0x8000) &<< 16)
        }
        guard carry & 0x8000 == 0 else {
            // Infinities and NaNs look finite once scaled: convert again, slowly, so that the error finds them.
            for index in 0..<min(source.count, destination.count) {
                destination[index] = Float(Float16(bitPattern: UInt16(littleEndian: source[index])))
            }
            return false
        }
        return true
    }

    static func fromBFloat16(
        _ source: UnsafeBufferPointer<UInt16>, to destination: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        var carry: UInt32 = 0
        for index in 0..<min(source.count, destination.count) {
            let bits = UInt32(UInt16(littleEndian: source[index])) &<< 16
            carry |= (bits & 0x7F80_0000) &+ 0x0080_0000
            destination[index] = Float(bitPattern: bits)
        }
        return carry & 0x8000_0000 == 0
    }

    /// Rounds; what is beyond float32 becomes infinite.
    static func fromFloat64(
        _ source: UnsafeBufferPointer<UInt64>, to destination: UnsafeMutableBufferPointer<Float>
    ) -> Bool {
        var isFinite = true
        for index in 0..<min(source.count, destination.count) {
            let value = Float(Double(bitPattern: UInt64(littleEndian: source[index])))
            isFinite = isFinite && value.isFinite
            destination[index] = value
        }
        return isFinite
    }
}
