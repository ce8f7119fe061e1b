/// How long, and how much of it, recorded runs are kept; what goes beyond is deleted, the oldest first.
public struct Retention: Sendable, Hashable {
    /// Days since a run was recorded; `nil` keeps runs of any age.
    public var days: Int?
    /// Bytes of each user's runs; `nil` keeps what the quota allows.
    public var storedBytes: Int?

    public init(days: Int? = nil, storedBytes: Int? = nil) {
        self.days = days
        self.storedBytes = storedBytes
    }
}
