import LensCore
import LensModel
import LensTensor

/// The engine as the daemon's callers share it: each call gets one that has the model it is about and no other.
///
/// There is no other way from a call to a model, so this is where it is looked at who may use which.
public struct SharedEngine: Sendable {
    public let models: ModelRegistry
    private let engine: Engine

    /// - Parameter pool: the threads that compute, the engine's alone from here on.
    /// - Throws: `RESOURCE_EXHAUSTED` where the system gives no thread.
    public init(
        models: ModelRegistry, pool: ComputePool, options: EngineOptions = EngineOptions()
    ) throws(LensError) {
        self.models = models
        engine = try Engine(models: ResidentModels([]), pool: pool, options: options)
    }

    /// An engine for one call about a model that the caller names.
    ///
    /// - Throws: as ``ModelRegistry/use(_:by:control:)``.
    public func engine(
        with model: ModelReference, for caller: Caller, control: CallControl
    ) async throws(LensError) -> Engine {
        engine.with(
            ResidentModels(try await models.use(model, by: caller, control: control)), for: caller.userID)
    }

    /// An engine for one call about a recorded run, and the run's recipe under its model's present name.
    public func engine(
        with recipe: Recipe, for caller: Caller, control: CallControl
    ) async throws(LensError) -> Engine {
        engine.with(
            ResidentModels(try await models.use(recipe, by: caller, control: control)), for: caller.userID)
    }

    public var statistics: EngineStatistics { engine.statistics }

    /// What a user has waiting (`queuedJobs`) and at hand (`cachedBytes`); the other amounts are not the engine's and zero.
    public func amounts(of user: UInt32) -> SharedAmounts { engine.amounts(of: user) }

    /// As ``amounts(of:)``, of everybody who has something.
    public func amounts() -> [UInt32: SharedAmounts] { engine.amounts() }

    /// What each user may have waiting and at hand; takes effect at once. The other amounts are not looked at.
    public func set(quota: SharedAmounts) { engine.set(quota: quota) }

    /// How much is kept at hand, in bytes.
    public func set(cacheBytes: Int) { engine.set(cacheBytes: cacheBytes) }

    /// With whom answers are shared from here on.
    public func set(cacheScope: CacheScope) { engine.set(cacheScope: cacheScope) }

    /// Ends loads and the engine's thread; calls that wait are refused.
    public func stop() {
        models.stop()
        engine.stop()
    }
}
