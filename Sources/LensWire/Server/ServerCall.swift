internal import LensCore
internal import NIOCore

/// One call of a connection, from its start until its handler has returned. Confined to the event loop.
struct ServerCall {
    let kind: MethodKind
    let control: CallControl
    let window: ReplyWindow
    let requests: RequestQueue
    let task: Task<Void, Never>
    var deadlineTimer: Scheduled<Void>?
    /// When the client last heard of the call.
    var lastSent: ContinuousClock.Instant
    /// The client has had its status; the handler is still on its way out.
    var hasEnded = false

    /// Tells the handler to stop, wherever it is.
    func stop(_ error: LensError) {
        if error.code == .deadlineExceeded { control.expire() } else { control.cancel() }
        window.close(error)
        requests.close(error)
        task.cancel()
        deadlineTimer?.cancel()
    }
}
