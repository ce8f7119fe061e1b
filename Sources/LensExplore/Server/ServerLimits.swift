internal import NIOHTTP1

/// What one server takes on. A browser has six connections to a host.
package struct ServerLimits: Sendable {
    /// Of this user's; one more is closed at once.
    package var connections = 64
    /// Of other users', which are told to go; one more is closed at once.
    package var foreignConnections = 8
    /// Bytes.
    package var body = 1 << 20
    /// Bytes of one header with its name, and of all of a request.
    package var header = 8 << 10
    package var headers = 32 << 10
    package var headerCount = 64
    /// From the first byte of a request to its last.
    package var requestTime = Duration.seconds(10)
    /// Without a request.
    package var idleTime = Duration.seconds(120)

    package init() {}

    var decoder: NIOHTTPDecoderLimitConfiguration {
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = header
        configuration.maxHeaderListSize = headers
        configuration.maxHeaderFieldCount = headerCount
        return configuration
    }
}
