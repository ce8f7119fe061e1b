/// Rows that grow at their end, `[row, width]`, row-major float32: keys or values kept from pass to pass.
///
/// Room is taken in doubling steps, so that appending row after row copies each row a bounded number of times. A copy
/// shares the rows until one of the two grows.
public struct GrowingRows: Sendable {
    /// How many rows there are.
    public private(set) var count = 0
    public let width: Int
    /// The most rows that there will be: room beyond is never taken.
    private let limit: Int
    private var storage: Tensor

    public init(width: Int, limit: Int) {
        self.width = width
        self.limit = limit
        storage = Tensor(uninitialized: [0, width])
    }

    /// Bytes of memory that the rows take, with the room for more.
    public var byteCount: Int { storage.byteCount }

    /// The rows, copied: `[row, width]`.
    public var tensor: Tensor { storage.rows(0..<count) }

    /// Adds rows of a tensor of the same width.
    public mutating func append(_ rows: Range<Int>, of tensor: Tensor) {
        precondition(tensor.rowWidth == width, "rows of \(tensor.rowWidth) values do not follow rows of \(width)")
        let total = count + rows.count
        if total > storage.shape[0] {
            var larger = Tensor(uninitialized: [max(total, min(2 * total, limit)), width])
            larger.copyRows(0..<count, of: storage, to: 0)
            storage = larger
        }
        storage.copyRows(rows, of: tensor, to: count)
        count = total
    }

    /// The rows and the room for more, shared.
    var stored: Tensor { storage }
}

extension Tensor {
    /// Overwrites rows from `row` on with rows of a tensor of the same width.
    fileprivate mutating func copyRows(_ rows: Range<Int>, of other: Tensor, to row: Int) {
        let width = rowWidth
        withMutablePointer { target in
            other.withPointer {
                (target + row * width).update(from: $0 + rows.lowerBound * width, count: rows.count * width)
            }
        }
    }
}
