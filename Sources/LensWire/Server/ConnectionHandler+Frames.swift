internal import LensCore
internal import Logging

/// What each frame of a client does.
extension ConnectionHandler {
    func receive(_ frame: ClientFrame) throws(LensError) {
        if case .hello(let hello) = frame.body {
            guard phase == .awaitingHello, frame.callID == 0 else {
                throw .invalidArgument("a Hello is the first frame and has call_id 0; received another one")
            }
            return try greet(hello)
        }
        guard phase == .open else { throw .invalidArgument("the first frame must be a Hello") }
        if case .ping = frame.body {
            guard frame.callID == 0 else {
                throw .invalidArgument("a Ping has call_id 0; received \(frame.callID)")
            }
            return write(ServerFrame(.pong))
        }
        guard frame.callID != 0 else { throw .invalidArgument("a call's frames have a call_id other than 0") }
        if case .start(let call) = frame.body { return try start(frame.callID, call) }
        // What comes for a call that has ended was on its way when it did.
        guard let call = calls[frame.callID], !call.hasEnded else {
            guard usedIDs.contains(frame.callID) else {
                throw .invalidArgument("call_id \(frame.callID) was not started on this connection")
            }
            return
        }
        switch frame.body {
        case .cancel: end(frame.callID, .cancelled)
        case .credit(let bytes): call.window.add(credit: Int(bytes))
        case .message(let message):
            guard call.kind == .bidirectional else {
                return end(frame.callID, .invalidArgument("this method takes one request message; received another"))
            }
            do {
                try call.requests.receive(message)
            } catch {
                end(frame.callID, error)
            }
        case .endStream: call.requests.finish()
        case .hello, .ping, .start: break
        }
    }

    func greet(_ hello: ClientHello) throws(LensError) {
        let common = hello.protocolVersions.filter { WireProtocol.versions.contains($0) }
        guard let version = common.max() else {
            let offered = hello.protocolVersions.prefix(8).map(String.init).joined(separator: ", ")
            let known = WireProtocol.versions.map(String.init).joined(separator: ", ")
            throw LensError(
                .failedPrecondition,
                "this daemon speaks protocol version \(known); the client offers \(offered.isEmpty ? "none" : offered)")
        }
        phase = .open
        logger.debug("client said hello", metadata: ["client": "\(hello.client.debugDescription.prefix(80))"])
        write(
            ServerFrame(
                .hello(
                    ServerHello(
                        protocolVersion: version, server: environment.server,
                        maxRequestBytes: UInt32(WireProtocol.maxRequestBytes),
                        maxReplyBytes: UInt32(WireProtocol.maxReplyBytes)))))
        closeIfDone()
    }
}
