import LensCore

/// A run of elements that a pickle speaks of and the file keeps elsewhere.
struct PickledStorage: Equatable {
    /// The storage's name in the file.
    let key: String
    /// `nil` where the storage is of bytes, and each tensor says what they are.
    let elementType: StoredType?
    /// Elements, or bytes without a type, of the whole storage.
    let wholeCount: Int
    /// The part that is meant: all of it, but for views of the old format.
    let elements: Range<Int>

    /// Bytes of the whole storage.
    var byteCount: Int { wholeCount * (elementType?.size ?? 1) }
}

/// A tensor as a pickle describes it: a strided view of a storage, checked to stay inside.
struct PickledTensor: Equatable {
    let storage: PickledStorage
    let elementType: StoredType
    let shape: [Int]
    /// In elements, from the storage's beginning.
    let offset: Int
    /// In elements, one per axis, not negative.
    let strides: [Int]

    /// Checks a view.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a view that leaves its storage or has more elements than it.
    init(
        of storage: PickledStorage, _ elementType: StoredType, offset: Int, shape: [Int], strides: [Int]
    ) throws(LensError) {
        guard shape.count == strides.count, shape.count <= SafetensorsHeader.rankLimit else {
            throw .invalidArgument(
                "a tensor must have as many sizes as strides, at most \(SafetensorsHeader.rankLimit); "
                    + "found \(shape.count) and \(strides.count)")
        }
        guard offset >= 0, !shape.contains(where: { $0 < 0 }), !strides.contains(where: { $0 < 0 }) else {
            throw .invalidArgument(
                "offset \(offset), shape \(shape) and strides \(strides) of a tensor must not be negative")
        }
        let unit = storage.elementType == nil ? elementType.size : 1
        let available = storage.elements.count / unit
        var count = 1
        var last = offset
        var isOutside = false
        for (size, stride) in zip(shape, strides) {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            let (step, stepOverflow) = max(size - 1, 0).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflow) = last.addingReportingOverflow(step)
            isOutside = isOutside || overflow || stepOverflow || sumOverflow
            guard !isOutside else { break }
            (count, last) = (product, sum)
        }
        guard !isOutside, count == 0 || last < available else {
            throw .invalidArgument(
                "a tensor of shape \(shape), strides \(strides) and offset \(offset) leaves its storage "
                    + "'\(storage.key)' of \(available) elements")
        }
        // A stride of 0 would make terabytes of nothing.
        guard count <= available else {
            throw .invalidArgument(
                "a tensor of shape \(shape) and strides \(strides) repeats the \(available) elements of its storage "
                    + "'\(storage.key)'")
        }
        self.storage = storage
        self.elementType = elementType
        self.shape = shape
        self.strides = strides
        self.offset = storage.elements.lowerBound / unit + offset
    }

    /// The number of elements.
    var count: Int { shape.reduce(1, *) }

    /// Elements of the storage from the first to the last, those between included; for a tensor that has elements.
    var span: Int { zip(shape, strides).reduce(1) { $0 + ($1.0 - 1) * $1.1 } }

    /// Whether the elements stand one behind the other in row-major order.
    var isContiguous: Bool {
        guard count > 0 else { return true }
        var expected = 1
        for (size, stride) in zip(shape, strides).reversed() where size != 1 {
            if stride != expected { return false }
            expected *= size
        }
        return true
    }
}
