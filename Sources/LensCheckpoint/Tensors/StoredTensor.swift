/// What a stored tensor is, wherever its bytes are: row-major and little-endian.
public struct StoredTensor: Sendable, Equatable {
    public let name: String
    public let elementType: StoredType
    public let shape: [Int]

    public init(name: String, elementType: StoredType, shape: [Int]) {
        self.name = name
        self.elementType = elementType
        self.shape = shape
    }

    /// Elements times their size; `nil` where that overflows.
    public var byteCount: Int? {
        var count = elementType.size
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow, product >= 0 else { return nil }
            count = product
        }
        return count
    }
}
