/// A tensor as a checkpoint's file describes it.
public struct TensorInfo: Sendable, Equatable {
    public let name: String
    public let elementType: StoredType
    public let shape: [Int]
    /// Where its bytes stand in its file, row-major and little-endian.
    public let byteRange: Range<Int>
}
