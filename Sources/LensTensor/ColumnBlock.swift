import CLensKernels

/// Some outputs of a weight, made ready on one thread for products with rows: `c = x · wᵀ`.
///
/// How depends on the number of rows. A few rows are multiplied with the weight where it lies, which is then read at the
/// speed of memory. For more rows it is packed first. Processors without a kernel of ours get OpenBLAS.
struct ColumnBlock {
    private let w: UnsafePointer<Float>
    private let stride: Int
    private let columns: Int
    private let inner: Int
    private let way: Way

    private enum Way {
        case few
        case packed(UnsafePointer<Float>)
        case blas
    }

    /// Outputs that share a panel; 0 without a kernel of ours.
    static let panel = lens_panel_columns()
    /// The most outputs in a block, whole panels: what a thread packs should stay in its second-level cache.
    static let columnsAtMost = 192

    /// The thread's own scratch for a block of so many outputs, and for `more` floats of the caller's.
    static func scratch(columns: Int, inner: Int, more: Int = 0) -> UnsafeMutablePointer<Float> {
        lens_thread_scratch(lens_packed_count(columns, inner) + more)
    }

    /// - Parameters:
    ///   - w: `[columns, inner]`, rows `stride` floats apart.
    ///   - rows: how many rows will be multiplied, all products together.
    ///   - scratch: from ``scratch(columns:inner:more:)``, the block's while it is used.
    init(
        _ w: UnsafePointer<Float>, stride: Int, columns: Int, inner: Int, rows: Int,
        scratch: UnsafeMutablePointer<Float>
    ) {
        self.w = w
        self.stride = stride
        self.columns = columns
        self.inner = inner
        if Self.panel == 0 {
            way = .blas
        } else if rows <= ComputePool.fewRows {
            way = .few
        } else {
            lens_pack(w, stride, columns, inner, scratch)
            way = .packed(scratch)
        }
    }

    /// `c[row, column] = x[row] · w[column]`.
    ///
    /// - Parameter next: a block of as many outputs that this thread will probably take next: fetched meanwhile.
    func multiply(
        _ x: UnsafePointer<Float>, stride strideX: Int, rows: Int, into c: UnsafeMutablePointer<Float>,
        stride strideC: Int, next: UnsafePointer<Float>? = nil
    ) {
        switch way {
        case .few: lens_multiply_few(x, strideX, rows, w, stride, columns, inner, c, strideC)
        case .packed(let packed):
            lens_multiply_packed(x, strideX, rows, packed, columns, inner, c, strideC, next, stride)
        case .blas:
            multiplyTransposed(
                x, strideA: strideX, rows: rows, w, strideB: stride, columns: columns, inner: inner, into: c,
                strideC: strideC)
        }
    }
}

extension ComputePool {
    /// Up to so many rows reading the weights costs more than the arithmetic: another row is nearly free, and each gets
    /// bit for bit what it gets alone. One where there is no kernel of ours.
    public static let fewRows = ColumnBlock.panel == 0 ? 1 : 12
}

/// How a product is cut into blocks: large enough for the kernels to run near their peak, small enough that all threads
/// have the same to do and a cancelled call is noticed within some milliseconds.
struct Blocking: Sendable {
    private let rows: Int
    private let columns: Int
    private let panels: Int
    private let panel: Int
    private let rowBlocks: Int
    private let columnBlocks: Int
    var count: Int { rowBlocks * columnBlocks }

    init(rows: Int, columns: Int, inner: Int, threads: Int) {
        self.rows = rows
        self.columns = columns
        panel = ColumnBlock.panel == 0 ? 64 : ColumnBlock.panel
        panels = max((columns + panel - 1) / panel, 1)
        let packable = max((3 << 20) / max(4 * inner * panel, 1), 1)
        let panelsAtMost = min(ColumnBlock.columnsAtMost / panel, packable)
        // Below some microseconds of work another block is not worth its hand-over.
        let work = 2 * Double(rows) * Double(columns) * Double(inner)
        let wanted = max(min(4 * threads, Int(work / 2_000_000)), 1)
        let least = (panels + panelsAtMost - 1) / panelsAtMost
        let even = (max(least, wanted) + threads - 1) / threads * threads
        columnBlocks = min(wanted == 1 && least == 1 ? 1 : even, panels)
        // A block of half a GFLOP takes about 5 ms.
        let columnsEach = (columns + columnBlocks - 1) / columnBlocks
        let rowsAtMost = max(500_000_000 / max(2 * inner * columnsEach, 1), 64)
        rowBlocks = max((rows + rowsAtMost - 1) / rowsAtMost, (wanted + columnBlocks - 1) / columnBlocks, 1)
    }

    subscript(block: Int) -> (rows: Range<Int>, columns: Range<Int>) {
        let row = block / columnBlocks
        let column = block % columnBlocks
        // Whole tiles of eight rows.
        let tiles = (rows + 7) / 8
        let rowRange = tiles * row / rowBlocks * 8..<tiles * (row + 1) / rowBlocks * 8
        let columnRange = panels * column / columnBlocks * panel..<panels * (column + 1) / columnBlocks * panel
        return (rowRange.clamped(to: 0..<rows), columnRange.clamped(to: 0..<columns))
    }
}
