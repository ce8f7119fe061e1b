import LensCore
import LensModel

/// A job with its types erased, on its way to the pass thread.
///
/// Only that thread touches the job from here on, so that it may be handed around.
package struct PassWork: @unchecked Sendable {
    let job: any PassJob
    let cost: PassCost
    /// Of the first step.
    let ride: PassRide?

    package init(_ job: any PassJob) {
        self.job = job
        cost = job.cost
        ride = (job as? any RidingJob)?.ride
    }
}

extension PassJob {
    /// As ``step(on:)``, for those who do not know what comes out.
    func stepErased(on compute: Compute) throws(LensError) -> (any Sendable)? {
        guard let value = try step(on: compute) else { return nil }
        return value
    }
}
