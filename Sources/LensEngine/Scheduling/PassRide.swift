import LensCore
import LensModel
import LensTensor

/// How a step can go through the model in one batch with steps of other jobs, whoever they are from.
package struct PassRide: Sendable {
    /// Steps with equal keys can go together.
    package struct Key: Hashable, Sendable {
        let model: ObjectIdentifier
        let form: ModelReference.Form
        /// Where the passes stop, for edits or to keep activations: the same for all, so that none pays for another's.
        let stops: [HookPoint]
        let kind: Kind
    }

    enum Kind: Hashable, Sendable {
        case run(keep: [HookPoint], wantsLoss: Bool, topCount: Int)
        /// One more token behind kept keys and values.
        case nextToken
    }

    let key: Key
    /// Of the step.
    let rows: Int
    let operations: Double
    /// The most rows that one batch of such steps has.
    let rowLimit: Int
}

/// A job whose steps can go together with those of others of its kind.
protocol RidingJob: PassJob {
    /// The next step's; `nil` where it goes alone.
    var ride: PassRide? { get }

    /// Takes the next step of jobs whose rides have equal keys.
    ///
    /// - Returns: of each job, what its own ``PassJob/step(on:)`` would have come to.
    /// - Throws: where nothing has happened to any of them: each can take its step alone.
    static func step(together jobs: [Self], on compute: Compute) throws(LensError) -> [Result<Value?, LensError>]
}

extension RidingJob {
    /// As ``step(together:on:)``, for those who do not know what comes out.
    ///
    /// - Parameter jobs: of this kind, since their rides' keys are equal; this one is among them.
    func stepErased(
        together jobs: [any PassJob], on compute: Compute
    ) throws(LensError) -> [Result<(any Sendable)?, LensError>] {
        try Self.step(together: jobs.compactMap { $0 as? Self }, on: compute).map { result in
            result.map { value in value.map { $0 as any Sendable } }
        }
    }
}
