import LensCore
import LensEngine
import LensStore
import LensWire

/// Who has how much of what users share, put together from those who give it out.
struct UsageSources: Sendable {
    let ledger: UsageLedger
    let engine: SharedEngine
    let store: SessionStore

    /// What each user may have at most.
    var quota: SharedAmounts { ledger.limits.quota }

    func amounts(of userID: UInt32) async throws(LensError) -> SharedAmounts {
        ledger.amounts(of: userID) + engine.amounts(of: userID) + (try await store.amounts(of: userID))
    }

    /// Of everybody who has anything, by uid.
    func amounts() async throws(LensError) -> [UInt32: SharedAmounts] {
        ledger.amounts.merging(engine.amounts(), uniquingKeysWith: +)
            .merging(try await store.amounts(), uniquingKeysWith: +)
    }
}
