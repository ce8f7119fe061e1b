import LensCore
import LensModel
import LensTensor

/// One token after another, as in generation: keys and values are kept, and each token reads every matrix once.
struct TokenBench {
    let model: LanguageModel
    let title: String
    let repeats: Int

    private static let prompt: [Int32] = [17, 4, 31, 8, 25, 99, 3, 60]
    private static let tokensEach = 8

    /// Bytes of weights that a token cannot do without: the blocks' matrices and the unembedding.
    private var bytesPerToken: Double {
        let c = model.configuration
        let perBlock = 4 * c.nHeads * c.dHead * c.dModel + 2 * c.dModel * c.dMLP
        return 4 * Double(c.nLayers * perBlock + c.dVocab * c.dModel)
    }

    func measure(on pool: ComputePool, into table: inout FigureTable) throws {
        let compute = Compute(pool: pool, control: CallControl())
        let bandwidth = ReadBandwidth(pool)
        var runs: [(perSecond: Double, limit: Double)] = []
        for _ in 0..<repeats * 2 + 1 {
            let before = try bandwidth.measure()
            var cache = KeyValueCache(model, form: .raw, sequences: 1)
            var next = Self.prompt
            var times: [Double] = []
            for _ in 0..<Self.tokensEach + 1 {
                var state = try ForwardState(model, form: .raw, tokens: [next], continuing: cache)
                times.append(
                    try clocked {
                        let end = HookPoint(.residPost, layer: model.configuration.nLayers - 1)
                        try state.advance(to: end, on: compute)
                        cache = try state.takeKept()
                        next = [try state.lastLogits(of: 0..<1, on: compute).indexOfLargest]
                    })
            }
            // The first step runs the prompt.
            let seconds = times.dropFirst().reduce(0, +) / Double(Self.tokensEach)
            runs.append((1 / seconds, (before + (try bandwidth.measure())) / 2 / bytesPerToken))
        }
        let ordered = runs.dropFirst().sorted { $0.perSecond / $0.limit < $1.perSecond / $1.limit }
        guard let run = ordered.dropFirst(ordered.count / 2).first else { return }
        table.note("read bandwidth", "\((run.limit * bytesPerToken / 1e9).rounded(1)) GB/s")
        table.add("\(title), generation", ours: run.perSecond, limit: run.limit, unit: "tokens/s", atLeast: 0.8)
    }
}

/// How fast this machine reads memory, on all of the pool's threads.
struct ReadBandwidth {
    private static let block = 1 << 18
    private static let blocks = 256
    private let memory: Tensor
    private let pool: ComputePool

    init(_ pool: ComputePool) {
        self.pool = pool
        memory = Tensor(zeros: [Self.blocks * Self.block])
    }

    /// Bytes per second, now.
    func measure() throws -> Double {
        let seconds = try clocked {
            try pool.run(blocks: Self.blocks, control: CallControl()) { [memory] block in
                let part = memory.sum(of: block * Self.block..<(block + 1) * Self.block)
                precondition(part == 0, "memory of zeros sums to zero")
            }
        }
        return Double(memory.byteCount) / seconds
    }
}

extension Tensor {
    fileprivate var indexOfLargest: Int32 {
        withPointer { pointer in
            var best = 0
            for index in 0..<count where pointer[index] > pointer[best] { best = index }
            return Int32(best)
        }
    }

    /// Four places at a time: a core reads several streams faster than one.
    fileprivate func sum(of range: Range<Int>) -> Float {
        withPointer { pointer in
            var lanes = (SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero, SIMD16<Float>.zero)
            let vectors = UnsafeRawPointer(pointer).assumingMemoryBound(to: SIMD16<Float>.self)
            let quarter = range.count / 64
            for index in range.lowerBound / 16..<range.lowerBound / 16 + quarter {
                lanes.0 += vectors[index]
                lanes.1 += vectors[index + quarter]
                lanes.2 += vectors[index + 2 * quarter]
                lanes.3 += vectors[index + 3 * quarter]
            }
            return (lanes.0 + lanes.1 + lanes.2 + lanes.3).sum()
        }
    }
}
