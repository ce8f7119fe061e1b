/// How much each user of a daemon has, for its administrator.
public struct DaemonUsage: Sendable, Hashable {
    /// Everybody who has anything, by number.
    public var users: [User]
    /// What each may have at most.
    public var quota: SharedAmounts

    public struct User: Sendable, Hashable {
        public var userID: UInt32
        public var amounts: SharedAmounts

        public init(userID: UInt32, amounts: SharedAmounts) {
            self.userID = userID
            self.amounts = amounts
        }
    }

    public init(users: [User], quota: SharedAmounts) {
        self.users = users
        self.quota = quota
    }
}
