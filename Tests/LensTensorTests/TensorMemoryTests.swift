import LensTensor
import Testing

@Suite struct TensorMemoryTests {
    @Test(arguments: [0, 1, 15, 16, 17, 1000, 4096, 300_000, 1_048_575, 1_048_576, 3_000_000])
    func valuesBeginAtACacheLine(count: Int) {
        let tensors = (0..<3).map { Tensor((0..<count).map { Float($0 % 1000) }, shape: [count]).scaled(by: $0) }
        for (index, tensor) in tensors.enumerated() {
            tensor.withPointer { #expect(Int(bitPattern: $0) % 64 == 0) }
            #expect(tensor.values.last == (count == 0 ? nil : Float((count - 1) % 1000 * index)))
        }
    }

    /// A large tensor takes the block of one that was nearly as large; nothing else here is of this size.
    @Test func largeTensorsShareBlocks() {
        let first = Tensor(uninitialized: [37 << 18]).withPointer { Int(bitPattern: $0) }
        let second = Tensor(uninitialized: [39 << 18]).withPointer { Int(bitPattern: $0) }
        #expect(first == second)
        #expect(first % (2 << 20) == 0)
    }
}

extension Tensor {
    fileprivate func scaled(by factor: Int) -> Tensor {
        var copy = self
        copy.withMutablePointer { values in for index in 0..<count { values[index] *= Float(factor) } }
        return copy
    }
}
