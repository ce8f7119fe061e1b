import Glibc

/// Row-major float32 values with a shape; copied when a shared one is written to.
public struct Tensor: @unchecked Sendable {
    // Sendable although the storage is a class with raw memory: it is written only while one `Tensor` holds it.
    public private(set) var shape: [Int]
    private var storage: Storage

    /// An uninitialised tensor: whoever makes one writes every element.
    public init(uninitialized shape: [Int]) {
        self.shape = shape
        storage = Storage(count: shape.reduce(1, *))
    }

    public init(zeros shape: [Int]) {
        self.init(uninitialized: shape)
        storage.pointer.update(repeating: 0, count: count)
    }

    /// - Precondition: `values` has as many elements as `shape` says.
    public init(_ values: [Float], shape: [Int]) {
        precondition(values.count == shape.reduce(1, *), "\(values.count) values for shape \(shape)")
        self.init(uninitialized: shape)
        values.withUnsafeBufferPointer { source in
            if let base = source.baseAddress { storage.pointer.update(from: base, count: source.count) }
        }
    }

    /// The number of elements.
    public var count: Int { storage.count }

    /// The number of bytes.
    public var byteCount: Int { count * MemoryLayout<Float>.stride }

    /// The elements of one entry of the first axis.
    public var rowWidth: Int { shape.dropFirst().reduce(1, *) }

    public var values: [Float] { withPointer { Array(UnsafeBufferPointer(start: $0, count: count)) } }

    /// The same elements under another shape.
    public func reshaped(_ shape: [Int]) -> Tensor {
        precondition(shape.reduce(1, *) == count, "\(count) elements do not fill shape \(shape)")
        var copy = self
        copy.shape = shape
        return copy
    }

    /// Entries `rows` of the first axis, copied.
    public func rows(_ rows: Range<Int>) -> Tensor {
        let width = rowWidth
        let part = Tensor(uninitialized: [rows.count] + shape.dropFirst())
        part.storage.pointer.update(from: storage.pointer + rows.lowerBound * width, count: rows.count * width)
        return part
    }

    /// Multiplies every element.
    public mutating func scale(by factor: Float) {
        let count = count
        withMutablePointer { values in
            for index in 0..<count { values[index] *= factor }
        }
    }

    public func withPointer<Result, Failure: Error>(
        _ body: (UnsafePointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        defer { withExtendedLifetime(storage) {} }
        return try body(UnsafePointer(storage.pointer))
    }

    public mutating func withMutablePointer<Result, Failure: Error>(
        _ body: (UnsafeMutablePointer<Float>) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        if !isKnownUniquelyReferenced(&storage) { storage = storage.copy() }
        defer { withExtendedLifetime(storage) {} }
        return try body(storage.pointer)
    }

    /// 64-byte aligned memory, for the widest vector loads.
    private final class Storage {
        let pointer: UnsafeMutablePointer<Float>
        let count: Int
        private let memory: Memory

        /// Where the values are.
        private enum Memory {
            case large(SpareMemory.Block)
            /// Allocated, and begins up to ``slack`` bytes before the values.
            case small(UnsafeMutableRawPointer)
        }

        private static let alignment = 64
        /// `malloc` aligns by 16.
        private static let slack = alignment - 16

        init(count: Int) {
            self.count = count
            let bytes = max(count, 1) * MemoryLayout<Float>.stride
            let start: UnsafeMutableRawPointer
            if bytes < SpareMemory.threshold {
                // Aligned here, not by posix_memalign: glibc before 2.38 cuts a request out of a larger piece and does
                // not find the hole again for the next of the same size. Under mixed calls the heap grew by 130 MiB an
                // hour, most of it holes.
                let allocated = UnsafeMutableRawPointer.allocate(byteCount: bytes + Self.slack, alignment: 16)
                memory = .small(allocated)
                start = allocated.alignedUp(toMultipleOf: Self.alignment)
            } else {
                let block = SpareMemory.take(bytes)
                memory = .large(block)
                start = block.start
            }
            pointer = start.bindMemory(to: Float.self, capacity: max(count, 1))
        }

        func copy() -> Storage {
            let other = Storage(count: count)
            other.pointer.update(from: pointer, count: count)
            return other
        }

        deinit {
            switch memory {
            case .large(let block): SpareMemory.give(block)
            case .small(let allocated): allocated.deallocate()
            }
        }
    }
}

extension Tensor {
    /// Stacks rows of tensors along the first axis; all have the same further axes.
    public static func stacking(_ parts: [(tensor: Tensor, rows: Range<Int>)]) -> Tensor {
        guard let first = parts.first?.tensor else { return Tensor(uninitialized: [0]) }
        let width = first.rowWidth
        var whole = Tensor(uninitialized: [parts.reduce(0) { $0 + $1.rows.count }] + first.shape.dropFirst())
        whole.withMutablePointer { destination in
            var next = destination
            for (tensor, rows) in parts {
                tensor.withPointer { next.update(from: $0 + rows.lowerBound * width, count: rows.count * width) }
                next += rows.count * width
            }
        }
        return whole
    }
}
