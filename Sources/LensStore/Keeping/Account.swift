/// Whose a uid is: the number that the kernel gives, and the name that the system's accounts have for it.
///
/// A number alone names nobody for ever: when its account is gone, the next one may get it.
package struct Account: Sendable, Hashable {
    package let userID: UInt32
    /// Empty where no account has the uid.
    package let name: String

    package init(userID: UInt32, name: String) {
        self.userID = userID
        self.name = name
    }
}
