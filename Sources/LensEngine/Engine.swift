import LensCore
import LensModel
import LensTensor

/// What the engine may use.
public struct EngineOptions: Sendable {
    /// Bytes of activations kept at hand.
    public var cacheBytes: Int

    /// Bytes of activations held for clients who have not read them yet.
    public var answerBytes: Int

    /// Bytes of passes that wait for their clients' functions, and of the activations on their way there and back.
    public var parkedBytes: Int

    /// Bytes of keys and values kept for texts that are being generated.
    public var keptBytes: Int

    public init(
        cacheBytes: Int = 256 << 20, answerBytes: Int = 1 << 30, parkedBytes: Int = 1 << 30, keptBytes: Int = 1 << 30
    ) {
        self.cacheBytes = cacheBytes
        self.answerBytes = answerBytes
        self.parkedBytes = parkedBytes
        self.keptBytes = keptBytes
    }
}

/// What the engine is doing.
public struct EngineStatistics: Sendable {
    public var queuedJobs: Int
    public var runningJobs: Int
    public var cacheBytes: Int
    public var cacheCapacityBytes: Int
    public var threads: Int
}

/// Passes, activations and sweeps over the models in its hands: what all users' calls come down to.
///
/// A copy shares everything but the models.
public struct Engine: Sendable {
    public private(set) var models: ResidentModels
    let passes: PassThread
    let cache: ActivationCache
    let answers: AnswerBudget
    /// Apart from the answers: a client may think for minutes, and plain queries go on.
    let parked: AnswerBudget
    let kept: AnswerBudget
    private let pool: ComputePool

    /// - Parameter pool: the threads that compute, the engine's alone from here on.
    /// - Throws: `RESOURCE_EXHAUSTED` where the system gives no thread.
    public init(models: ResidentModels, pool: ComputePool, options: EngineOptions = EngineOptions()) throws(LensError) {
        self.models = models
        self.pool = pool
        passes = try PassThread(pool: pool)
        cache = ActivationCache(capacity: options.cacheBytes)
        answers = AnswerBudget("answers that are still being read", capacity: options.answerBytes)
        parked = AnswerBudget("passes that wait for hook functions", capacity: options.parkedBytes)
        kept = AnswerBudget("texts that are being generated", capacity: options.keptBytes)
    }

    /// The same engine over other models.
    func with(_ models: ResidentModels) -> Engine {
        var engine = self
        engine.models = models
        return engine
    }

    /// Ends the engine's thread; calls that wait are refused.
    public func stop() { passes.stop() }

    public var statistics: EngineStatistics {
        let counts = passes.counts
        return EngineStatistics(
            queuedJobs: counts.waiting, runningJobs: counts.running, cacheBytes: cache.byteCount,
            cacheCapacityBytes: cache.capacity, threads: pool.threads)
    }
}
