import LensCore
import LensModel
import LensTensor

/// What the engine may use.
public struct EngineOptions: Sendable {
    /// Bytes of activations and results kept at hand.
    public var cacheBytes: Int

    /// Bytes of activations held for clients who have not read them yet.
    public var answerBytes: Int

    /// Bytes of passes that wait for their clients' functions, and of the activations on their way there and back.
    public var parkedBytes: Int

    /// Bytes of keys and values kept for texts that are being generated.
    public var keptBytes: Int

    /// Passes and sweeps that may wait for their turn, of all users together.
    public var queuedJobs = 16384

    /// What one user may have of these and of what is kept at hand: `queuedJobs` and `cachedBytes`.
    public var quota: SharedAmounts

    /// With whom the answer to a question is shared.
    public var cacheScope: CacheScope

    public init(
        cacheBytes: Int = 256 << 20, answerBytes: Int = 1 << 30, parkedBytes: Int = 1 << 30, keptBytes: Int = 1 << 30,
        quota: SharedAmounts = .ordinaryQuota, cacheScope: CacheScope = .everyone
    ) {
        self.cacheBytes = cacheBytes
        self.answerBytes = answerBytes
        self.parkedBytes = parkedBytes
        self.keptBytes = keptBytes
        self.quota = quota
        self.cacheScope = cacheScope
    }
}

/// What the engine is doing, and has done since the start.
public struct EngineStatistics: Sendable {
    public var queuedJobs: Int
    public var runningJobs: Int
    public var cacheBytes: Int
    public var cacheCapacityBytes: Int
    public var threads: Int
    public var passes: PassCounters
    /// How often something that was asked for was at hand, and how often not.
    public var cacheHits: Int
    public var cacheMisses: Int
    /// Grows with the work that is done; where it stands still nothing is.
    public var progress: Int
}

/// Passes, activations and sweeps over the models in its hands: what all users' calls come down to.
///
/// A copy shares everything but the models and the user.
public struct Engine: Sendable {
    public private(set) var models: ResidentModels
    /// Whose turn and whose share of the cache its work is.
    private(set) var user: UInt32 = 0
    /// Whether runs and sweeps that were asked before are computed again.
    private(set) var recomputes = false
    let passes: PassThread
    let cache: ContentCache
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
        cache = ContentCache(capacity: options.cacheBytes, quota: options.quota.cachedBytes)
        cache.scope = options.cacheScope
        passes = try PassThread(
            pool: pool, results: cache,
            limits: QueueLimits(waiting: options.queuedJobs, waitingPerUser: options.quota.queuedJobs))
        answers = AnswerBudget("answers that are still being read", capacity: options.answerBytes)
        parked = AnswerBudget("passes that wait for hook functions", capacity: options.parkedBytes)
        kept = AnswerBudget("texts that are being generated", capacity: options.keptBytes)
    }

    /// The same engine over other models, for calls of a user.
    public func with(_ models: ResidentModels, for user: UInt32) -> Engine {
        var engine = self
        engine.models = models
        engine.user = user
        return engine
    }

    /// The same engine, which takes no answer from earlier for a run or a sweep.
    public func recomputing() -> Engine {
        var engine = self
        engine.recomputes = true
        return engine
    }

    /// A recipe with its model; what its edits take from other passes is not there yet.
    func passSubject(_ recipe: Recipe) throws(LensError) -> PassSubject {
        try PassSubject(recipe, in: models, asker: cache.scope == .perUser ? user : nil)
    }

    /// Ends the engine's thread; calls that wait are refused.
    public func stop() { passes.stop() }

    // MARK: - Amounts

    public var statistics: EngineStatistics {
        let counts = passes.counts
        let cached = cache.counts
        return EngineStatistics(
            queuedJobs: counts.waiting, runningJobs: counts.running, cacheBytes: cache.byteCount,
            cacheCapacityBytes: cache.capacity, threads: pool.threads, passes: passes.counters,
            cacheHits: cached.hits, cacheMisses: cached.misses, progress: pool.progress)
    }

    /// What a user has waiting and at hand; whatever others asked makes no difference to it.
    public func amounts(of user: UInt32) -> SharedAmounts {
        SharedAmounts(queuedJobs: passes.waitingCount(of: user), cachedBytes: cache.byteCount(of: user))
    }

    /// Of everybody who has something waiting or at hand.
    public func amounts() -> [UInt32: SharedAmounts] {
        var amounts: [UInt32: SharedAmounts] = [:]
        for (user, count) in passes.waitingCounts { amounts[user, default: SharedAmounts()].queuedJobs = count }
        for (user, bytes) in cache.byteCounts { amounts[user, default: SharedAmounts()].cachedBytes = bytes }
        return amounts
    }

    /// What each user may have waiting and at hand; takes effect at once.
    public func set(quota: SharedAmounts) {
        passes.limits.waitingPerUser = quota.queuedJobs
        cache.quota = quota.cachedBytes
    }

    /// How much is kept at hand, in bytes.
    public func set(cacheBytes: Int) { cache.capacity = cacheBytes }

    /// With whom answers are shared from here on.
    public func set(cacheScope: CacheScope) { cache.scope = cacheScope }
}
