/// The shape of one layer's attention. Grouped queries: `heads` is a multiple of `keyHeads`.
public struct AttentionShape: Sendable {
    public var heads: Int
    public var keyHeads: Int
    public var dHead: Int
    /// What scores are multiplied with.
    public var scale: Float
    /// How many keys a query sees, its own counted; `nil` means all before it.
    public var window: Int?
    /// Scaled scores become `cap · tanh(score / cap)`.
    public var softCap: Float?
    /// ALiBi: per head, what a score loses for each position between query and key; empty without.
    public var slopes: [Float]

    public init(
        heads: Int, keyHeads: Int, dHead: Int, scale: Float, window: Int?, softCap: Float? = nil, slopes: [Float] = []
    ) {
        self.heads = heads
        self.keyHeads = keyHeads
        self.dHead = dHead
        self.scale = scale
        self.window = window
        self.softCap = softCap
        self.slopes = slopes
    }

    /// The keys that the query at `pos` sees.
    package func visible(from pos: Int) -> Range<Int> {
        max(0, window.map { pos - $0 + 1 } ?? 0)..<pos + 1
    }

    var queryWidth: Int { heads * dHead }
    var keyWidth: Int { keyHeads * dHead }
    func keyHead(of head: Int) -> Int { head * keyHeads / heads }
}

/// One sequence's keys or values, `[pos, keyHead · dHead]`: of all its positions, those of earlier passes first.
public struct SequenceRows: Sendable {
    private let tensor: Tensor
    private let first: Int
    public let count: Int

    /// Rows of a batch's tensor, `[row, …]`: a sequence that begins in this pass.
    public init(_ rows: Range<Int>, of tensor: Tensor) {
        self.tensor = tensor
        first = rows.lowerBound
        count = rows.count
    }

    /// Rows kept from pass to pass, those of this pass last.
    public init(_ rows: GrowingRows) {
        tensor = rows.stored
        first = 0
        count = rows.count
    }

    func withPointer<Result>(_ body: (UnsafePointer<Float>) -> Result) -> Result {
        tensor.withPointer { body($0 + first * tensor.rowWidth) }
    }
}
