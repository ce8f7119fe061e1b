internal import CLensSystem
internal import Glibc
public import LensCore
public import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Serves a router's methods on a Unix socket.
public final class WireServer: Sendable {
    /// The kernel's stand-in for users that have no number here; it could be anybody.
    private static let overflowUserID: UInt32 = 65534

    /// How long a handler may take to notice that it was told to stop, before the server no longer waits for it.
    private static let lastWait = Duration.seconds(5)

    private let group: MultiThreadedEventLoopGroup
    private let listener: any Channel
    private let socket: ListeningSocket
    private let ledger: UsageLedger
    private let connections: ConnectionList
    private let beat: Mutex<ContinuousClock.Instant>

    /// How often the event loop shows that it gets on.
    private static let beatInterval = TimeAmount.milliseconds(250)

    private init(
        group: MultiThreadedEventLoopGroup, listener: any Channel, socket: ListeningSocket, ledger: UsageLedger,
        connections: ConnectionList
    ) {
        self.group = group
        self.listener = listener
        self.socket = socket
        self.ledger = ledger
        self.connections = connections
        beat = Mutex(.now)
        group.next().scheduleRepeatedTask(initialDelay: .zero, delay: Self.beatInterval) { [weak self] task in
            guard let self else { return task.cancel() }
            beat.withLock { $0 = .now }
        }
    }

    /// When the event loop had its turn last; four times a second where all is well.
    public var lastBeat: ContinuousClock.Instant { beat.withLock { $0 } }

    /// Listens and accepts; returns once clients can connect.
    ///
    /// - Parameters:
    ///   - ledger: who has what, and the limits.
    ///   - journal: learns of every call.
    ///   - server: program and version, for the client's eyes.
    /// - Throws: a start-up error.
    public static func start(
        _ router: Router, on socket: ListeningSocket, ledger: UsageLedger = UsageLedger(),
        journal: CallJournal = CallJournal(), server: String = "lensd/\(lensdVersion)", logger: Logger
    ) async throws(StartupError) -> WireServer {
        // One thread moves bytes and cuts frames; decoding, work and encoding happen on the callers' tasks.
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let connections = ConnectionList()
        let environment = ConnectionHandler.Environment(
            router: router, ledger: ledger, journal: journal, server: server, logger: logger)
        let bootstrap = ServerBootstrap(group: group)
            .serverChannelOption(.backlog, value: 256)
            // A client that has said all it wants to still gets its answers.
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            // Twice what the system gives: the client and this side take turns half as often.
            .childChannelOption(.socketOption(.so_sndbuf), value: 256 << 10)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try accept(channel, environment, connections) }
            }
        do {
            let listener = try await bootstrap.withBoundSocket(socket.descriptor).get()
            return WireServer(
                group: group, listener: listener, socket: socket, ledger: ledger, connections: connections)
        } catch {
            try? await group.shutdownGracefully()
            socket.unlink()
            throw StartupError(.failure, "cannot listen on \(socket.path): \(error)")
        }
    }

    /// Stops: takes no new connection, answers new calls with `UNAVAILABLE`, lets the calls in flight finish for so
    /// long, ends the rest, closes every connection once its answers are written, and removes the socket.
    public func shutdown(grace: Duration = .seconds(20)) async {
        try? await listener.close().get()
        connections.tell(ChannelShouldQuiesceEvent())
        let expiry = Task { [connections, ledger] in
            try await Task.sleep(for: grace)
            connections.tell(GraceHasPassed())
            try await Task.sleep(for: Self.lastWait)
            ledger.endWaiting()
        }
        await connections.allClosed()
        // Handlers that were told to stop may still be on their way out; what they use must outlive them.
        await ledger.callsToEnd()
        expiry.cancel()
        socket.unlink()
        try? await group.shutdownGracefully()
    }

    private static func accept(
        _ channel: any Channel, _ environment: ConnectionHandler.Environment, _ connections: ConnectionList
    ) throws {
        var userID = overflowUserID
        var groupIDs: [UInt32] = []
        let pipeline = channel.pipeline.syncOperations
        let code = try pipeline.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { descriptor in
            let code = lens_peer_user_id(descriptor, &userID)
            return code == 0 ? readGroups(of: descriptor, into: &groupIDs) : code
        }
        guard code == 0, userID != overflowUserID else {
            environment.logger.notice("connection refused: its user is unknown")
            throw LensError(.unauthenticated, "the kernel does not say who connects")
        }
        let peer = Peer(userID: userID, groupIDs: groupIDs)
        var refusal: LensError?
        do {
            try environment.ledger.openConnection(of: peer)
        } catch {
            refusal = error
        }
        try pipeline.addHandler(
            ConnectionHandler(
                number: connections.nextNumber(), peer: peer, environment: environment, refusal: refusal))
        connections.add(channel)
    }
}

extension WireServer {
    /// Returns 0, or an errno.
    private static func readGroups(of descriptor: CInt, into groupIDs: inout [UInt32]) -> CInt {
        var code = CInt(0)
        // Few are in more than a handful; 65536 is what Linux allows.
        for capacity in [64, 65537] {
            var count = 0
            groupIDs = [UInt32](repeating: 0, count: capacity)
            code = lens_peer_groups(descriptor, &groupIDs, capacity, &count)
            groupIDs.removeLast(capacity - min(count, capacity))
            if code != ERANGE { break }
        }
        return code
    }
}

/// The open connections of a server, so that they can be told to end and waited for.
private final class ConnectionList: Sendable {
    private struct State {
        var numbers = 0
        var channels: [ObjectIdentifier: any Channel] = [:]
        var lastWord: (any Sendable)?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    /// The number of a connection that was just accepted, from 1.
    func nextNumber() -> Int {
        state.withLock { state in
            state.numbers += 1
            return state.numbers
        }
    }

    func add(_ channel: any Channel) {
        let key = ObjectIdentifier(channel)
        let lastWord = state.withLock { state in
            state.channels[key] = channel
            return state.lastWord
        }
        channel.closeFuture.whenComplete { [self] _ in remove(key) }
        // Accepted while the server began to stop.
        if let lastWord { channel.pipeline.fireUserInboundEventTriggered(lastWord) }
    }

    func tell(_ event: some Sendable) {
        let channels = state.withLock { state in
            state.lastWord = event
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(event) }
    }

    func allClosed() async {
        await withCheckedContinuation { continuation in
            let isEmpty = state.withLock { state in
                if !state.channels.isEmpty { state.waiters.append(continuation) }
                return state.channels.isEmpty
            }
            if isEmpty { continuation.resume() }
        }
    }

    private func remove(_ key: ObjectIdentifier) {
        let waiters = state.withLock { state in
            state.channels[key] = nil
            guard state.channels.isEmpty else { return [CheckedContinuation<Void, Never>]() }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
