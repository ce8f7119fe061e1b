import COpenBLAS
import LensCore
import LensTensor

/// OpenBLAS's speed where it peaks, on all of the pool's threads at once.
struct SgemmPeak {
    private static let size = 1536
    private let a: Tensor
    private let b: Tensor
    private let results: [Tensor]
    private let pool: ComputePool

    init(_ pool: ComputePool) {
        self.pool = pool
        let values = (0..<Self.size * Self.size).map { Float($0 % 13) - 6 }
        a = Tensor(values, shape: [Self.size, Self.size])
        b = Tensor(values, shape: [Self.size, Self.size])
        results = (0..<pool.threads).map { _ in Tensor(zeros: [Self.size, Self.size]) }
    }

    /// Floating-point operations per second, now.
    func measure() throws -> Double {
        let n = Int32(Self.size)
        let threads = pool.threads
        let seconds = try clocked {
            try pool.run(blocks: threads, control: CallControl()) { thread in
                var result = results[thread]
                a.withPointer { a in
                    b.withPointer { b in
                        result.withMutablePointer { c in
                            cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, n, n, n, 1, a, n, b, n, 0, c, n)
                        }
                    }
                }
            }
        }
        return 2 * Double(threads) * Double(Self.size) * Double(Self.size) * Double(Self.size) / seconds
    }
}

/// Seconds that `body` took.
func clocked(_ body: () throws -> Void) rethrows -> Double {
    let start = ContinuousClock.now
    try body()
    return start.duration(to: .now) / .seconds(1)
}

/// Seconds that `body` took.
func clocked(_ body: () async throws -> Void) async rethrows -> Double {
    let start = ContinuousClock.now
    try await body()
    return start.duration(to: .now) / .seconds(1)
}
