import Synchronization

/// Asks systemd for more time while models are being loaded, for as long as they come nearer.
final class LoadPace: Sendable {
    private let notifier: ServiceNotifier
    private let askedAt = Mutex<ContinuousClock.Instant?>(nil)

    /// A load that gets no further within this long hangs.
    private static let patience = Duration.seconds(120)
    private static let interval = Duration.seconds(5)

    init(_ notifier: ServiceNotifier) { self.notifier = notifier }

    /// Some more of a model is read.
    func isGettingOn(with name: String) {
        let isDue = askedAt.withLock { askedAt in
            let now = ContinuousClock.now
            guard askedAt.map({ now - $0 >= Self.interval }) ?? true else { return false }
            askedAt = now
            return true
        }
        if isDue { notifier.starting("loading the model \(name)", for: Self.patience) }
    }
}
