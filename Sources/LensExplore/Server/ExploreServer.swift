internal import Glibc
package import LensCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Serves the page and its calls on this machine's loopback address, to this user's browser.
package final class ExploreServer: Sendable {
    package let port: Int
    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let keys: AccessKeys
    private let connections: OpenConnections

    private init(
        port: Int, group: MultiThreadedEventLoopGroup, listener: any Channel, keys: AccessKeys,
        connections: OpenConnections
    ) {
        self.port = port
        self.group = group
        self.listener = listener
        self.keys = keys
        self.connections = connections
    }

    /// Listens on 127.0.0.1; returns once browsers can connect.
    ///
    /// - Parameters:
    ///   - port: `nil` takes one that is free.
    ///   - ownUserID: whose browser may ask.
    /// - Throws: `INVALID_ARGUMENT` for no port, `FAILED_PRECONDITION` where it cannot be had.
    package static func start(
        _ calls: some PageCalls, port: Int? = nil, limits: ServerLimits = ServerLimits(),
        ownUserID: UInt32 = geteuid()
    ) async throws(LensError) -> ExploreServer {
        guard (0...65535).contains(port ?? 0) else { throw .outOfRange("port", port ?? 0, 1..<65536) }
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = OpenConnections(limits)
        let keys = AccessKeys()
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 64)
            // A port that this user had a moment ago; another's that is listened on is not taken by it.
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(channel, ExploreRoutes(calls: calls, keys: keys), connections, ownUserID: ownUserID)
                }
            }
        do {
            let listener = try await bootstrap.bind(host: "127.0.0.1", port: port ?? 0).get()
            guard let bound = listener.localAddress?.port else {
                throw LensError(.internal, "the system does not say which port was taken")
            }
            return ExploreServer(port: bound, group: group, listener: listener, keys: keys, connections: connections)
        } catch {
            try? await group.shutdownGracefully()
            throw LensError(
                .failedPrecondition, "cannot listen on 127.0.0.1:\(port ?? 0): \(reason(error))", cause: error)
        }
    }

    /// An address that opens the page once, in one browser.
    package func makeAddress() -> String {
        "http://127.0.0.1:\(port)/open?token=\(keys.makeToken())"
    }

    /// Ends: closes every connection, which cancels what is under way.
    package func shutdown() async {
        try? await listener.close().get()
        connections.closeAll()
        try? await group.shutdownGracefully()
    }

    private static func accept(
        _ channel: any Channel, _ routes: ExploreRoutes, _ connections: OpenConnections, ownUserID: UInt32
    ) throws {
        guard let peer = channel.remoteAddress, let own = channel.localAddress, let port = own.port else {
            throw LensError(.unavailable, "the connection has ended")
        }
        // Root may do everything anyhow; where the kernel does not say who it is, the cookie has to do.
        let userID = PeerUser.userID(of: peer, to: own)
        let isForeign = userID.map { $0 != ownUserID && $0 != 0 } ?? false
        try connections.add(channel, isForeign: isForeign)
        let ban = isForeign ? Refusal.forbidden("this page belongs to another user of this machine") : nil
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(FirstByteHandler())
        try pipeline.configureHTTPServerPipeline(
            withEncoderConfiguration: .init(), withDecoderLimitConfiguration: connections.limits.decoder)
        try pipeline.addHandler(
            HTTPConnectionHandler(
                requestGuard: RequestGuard(port: port, keys: routes.keys), limits: connections.limits, ban: ban,
                answering: { await routes.answer($0, to: $1) }))
    }

    private static func reason(_ error: any Error) -> String {
        guard let error = error as? IOError else { return (error as? LensError)?.message ?? "\(error)" }
        return error.errnoCode == EADDRINUSE
            ? "another program has that port" : String(cString: strerror(error.errnoCode))
    }
}
