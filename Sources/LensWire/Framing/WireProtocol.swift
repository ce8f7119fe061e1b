/// Numbers that both sides of a connection agree on.
package enum WireProtocol {
    /// Versions this build speaks.
    package static let versions: [UInt32] = [1]
    /// Bytes of the length in front of each frame, big-endian.
    package static let prefixBytes = 4
    /// The longest frame before the `Hello`, in bytes.
    package static let maxHelloBytes = 4 << 10
    /// The longest frame from a client.
    package static let maxRequestBytes = 1 << 20
    /// The longest frame from the daemon.
    package static let maxReplyBytes = 4 << 20
    /// What a reply's frame needs around its message.
    package static let frameOverhead = 32
    /// Bytes of reply messages that a call may have under way where it does not say.
    package static let defaultWindow: UInt32 = 4 << 20
    /// Bytes of request messages that a call may have under way before its handler takes any.
    package static let requestWindow = 4 << 20
    /// The longest request id.
    package static let maxRequestIDBytes = 64
}
