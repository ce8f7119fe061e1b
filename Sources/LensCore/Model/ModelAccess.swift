/// Who may use a model. To everybody else it is as if it were not there.
public enum ModelAccess: Sendable, Hashable {
    case everybody
    case only(userIDs: Set<UInt32>, groupIDs: Set<UInt32>)

    /// Whether a caller is among them; the administrator always is.
    public func includes(_ caller: Caller) -> Bool {
        guard case .only(let userIDs, let groupIDs) = self, !caller.isAdministrator else { return true }
        return userIDs.contains(caller.userID) || !groupIDs.isDisjoint(with: caller.groupIDs)
    }
}
