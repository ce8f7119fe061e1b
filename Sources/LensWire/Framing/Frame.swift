package import LensCore

/// What a client sends.
package struct ClientFrame: Sendable, Hashable {
    package enum Body: Sendable, Hashable {
        case hello(ClientHello)
        case start(StartCall)
        /// One more request message of a call that streams requests.
        case message([UInt8])
        case endStream
        case cancel
        /// So many more bytes of reply messages have room.
        case credit(UInt32)
        case ping
    }

    package var callID: UInt32
    package var body: Body

    package init(callID: UInt32 = 0, _ body: Body) {
        self.callID = callID
        self.body = body
    }
}

/// What the daemon sends.
package struct ServerFrame: Sendable, Hashable {
    package enum Body: Sendable, Hashable {
        case hello(ServerHello)
        case message([UInt8])
        case status(Status)
        case heartbeat
        case credit(UInt32)
        case pong
    }

    package var callID: UInt32
    package var body: Body

    package init(callID: UInt32 = 0, _ body: Body) {
        self.callID = callID
        self.body = body
    }
}

package struct ClientHello: Sendable, Hashable {
    package var protocolVersions: [UInt32]
    /// Program and version.
    package var client: String

    package init(protocolVersions: [UInt32], client: String) {
        self.protocolVersions = protocolVersions
        self.client = client
    }
}

package struct ServerHello: Sendable, Hashable {
    package var protocolVersion: UInt32
    /// Program and version.
    package var server: String
    /// The longest frames that the daemon takes and sends, in bytes.
    package var maxRequestBytes: UInt32
    package var maxReplyBytes: UInt32

    package init(protocolVersion: UInt32, server: String, maxRequestBytes: UInt32, maxReplyBytes: UInt32) {
        self.protocolVersion = protocolVersion
        self.server = server
        self.maxRequestBytes = maxRequestBytes
        self.maxReplyBytes = maxReplyBytes
    }
}

package struct StartCall: Sendable, Hashable {
    /// The method's path as it came; it need not be one.
    package var method: [UInt8]
    package var request: [UInt8]
    /// From now; zero means the method's default.
    package var deadlineMilliseconds: UInt64
    /// Bytes of reply messages before the daemon waits for credit; zero means ``WireProtocol/defaultWindow``.
    package var window: UInt32
    package var requestID: [UInt8]

    package init(
        method: String, request: [UInt8], deadlineMilliseconds: UInt64 = 0, window: UInt32 = 0, requestID: [UInt8] = []
    ) {
        self.init(
            method: Array(method.utf8), request: request, deadlineMilliseconds: deadlineMilliseconds, window: window,
            requestID: requestID)
    }

    package init(
        method: [UInt8], request: [UInt8], deadlineMilliseconds: UInt64 = 0, window: UInt32 = 0,
        requestID: [UInt8] = []
    ) {
        self.method = method
        self.request = request
        self.deadlineMilliseconds = deadlineMilliseconds
        self.window = window
        self.requestID = requestID
    }
}

/// How a call ended.
package struct Status: Sendable, Hashable {
    package var code: StatusCode
    package var message: String
    /// After how long trying again can help; travels in whole milliseconds.
    package var retryAfter: Duration?

    package init(_ code: StatusCode, _ message: String = "", retryAfter: Duration? = nil) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
    }

    /// What the status means to the caller; `nil` for success.
    package var error: LensError? { code == .ok ? nil : LensError(code, message, retryAfter: retryAfter) }
}
