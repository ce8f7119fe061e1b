public import LensCore
public import Logging

/// Who is at the other end of a connection, as the kernel said when it was accepted.
public struct Peer: Sendable, Hashable {
    public let userID: UInt32
    /// The primary group first, then the supplementary ones.
    public let groupIDs: [UInt32]

    public init(userID: UInt32, groupIDs: [UInt32] = []) {
        self.userID = userID
        self.groupIDs = groupIDs
    }
}

/// What a handler knows of its call besides the request.
public struct CallContext: Sendable {
    public let peer: Peer
    /// As the log names the call.
    public let name: CallName
    /// Such as `/lens.v1.Inference/Run`.
    public let method: String
    /// Given to the engine, which looks at it while it works.
    public let control: CallControl
    /// The same on every try of one call that writes; empty where the client sent none. At most 64 bytes.
    public let requestID: [UInt8]
    /// Carries the connection and the call. What a user typed is never logged.
    public let logger: Logger

    /// When the call is late; `nil` where it may take any time.
    public var deadline: ContinuousClock.Instant? { control.deadline }

    public init(peer: Peer, name: CallName, method: String, control: CallControl, requestID: [UInt8], logger: Logger) {
        self.peer = peer
        self.name = name
        self.method = method
        self.control = control
        self.requestID = requestID
        self.logger = logger
    }
}
