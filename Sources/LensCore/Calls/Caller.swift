/// Who asks, as the kernel says of the process at the other end.
public struct Caller: Sendable, Hashable {
    public let userID: UInt32
    /// Of every group that the process was in when it connected, the primary one among them.
    public let groupIDs: [UInt32]
    /// Root, or the user that the daemon runs as.
    public let isAdministrator: Bool

    public init(userID: UInt32, groupIDs: [UInt32], isAdministrator: Bool) {
        self.userID = userID
        self.groupIDs = groupIDs
        self.isAdministrator = isAdministrator
    }

    /// - Throws: `PERMISSION_DENIED` for everybody else than the administrator.
    public func checkIsAdministrator(to what: String) throws(LensError) {
        guard isAdministrator else {
            throw LensError(
                .permissionDenied, "only root and the user that lensd runs as may \(what); you are uid \(userID)")
        }
    }
}
