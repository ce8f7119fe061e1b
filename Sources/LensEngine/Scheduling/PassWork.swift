import LensCore
import LensModel
import LensTensor

/// A job with its types erased, on its way to the pass thread.
///
/// Only that thread touches the job from here on, so that it may be handed around.
package struct PassWork: @unchecked Sendable {
    let job: any PassJob
    let cost: PassCost
    /// `nil` for what goes through the model by itself.
    let ride: PassRide?

    package init(_ job: any PassJob) {
        self.job = job
        cost = job.cost
        ride = (job as? RunJob)?.ride
    }
}

/// Where a run can ride along.
struct PassRide: Sendable {
    /// Runs with equal keys can go through the model in one batch.
    struct Key: Hashable, Sendable {
        let model: ObjectIdentifier
        let form: ModelReference.Form
        /// Where the passes stop, for edits or to keep activations: the same for all, so that none pays for another's.
        let stops: [HookPoint]
        let keep: [HookPoint]
        let wantsLoss: Bool
        let topCount: Int
    }

    let key: Key
    let rows: Int
    /// The most rows that one batch of such runs has.
    let rowLimit: Int
}

extension PassJob {
    /// As ``step(on:)``, for those who do not know what comes out.
    func stepErased(on compute: Compute) throws(LensError) -> (any Sendable)? {
        guard let value = try step(on: compute) else { return nil }
        return value
    }
}
