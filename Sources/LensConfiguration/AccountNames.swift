import Glibc

/// The numbers of users and groups that a configuration names.
package struct AccountNames: Sendable {
    package let userNamed: @Sendable (String) -> UInt32?
    package let groupNamed: @Sendable (String) -> UInt32?

    package init(
        userNamed: @escaping @Sendable (String) -> UInt32?, groupNamed: @escaping @Sendable (String) -> UInt32?
    ) {
        self.userNamed = userNamed
        self.groupNamed = groupNamed
    }

    /// As the system knows them.
    package static let system = AccountNames(
        userNamed: { name in getpwnam(name).map { $0.pointee.pw_uid } },
        groupNamed: { name in getgrnam(name).map { $0.pointee.gr_gid } })

    func user(_ value: TOMLValue) -> UInt32? { number(value, userNamed) }
    func group(_ value: TOMLValue) -> UInt32? { number(value, groupNamed) }

    private func number(_ value: TOMLValue, _ named: (String) -> UInt32?) -> UInt32? {
        switch value {
        case .string(let name): named(name)
        case .integer(let number): UInt32(exactly: number)
        default: nil
        }
    }
}
