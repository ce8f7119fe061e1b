import LensCore

/// How the daemon begins and ends.
extension ModelRegistry {
    /// What became of a configured model at the start.
    public enum StartOutcome: Sendable {
        /// With what is odd about its files.
        case resident(seconds: Double, notices: [String])
        /// It is loaded when somebody asks for it.
        case noRoom
        /// Nobody gets it until the administrator loads it; where there was too little memory, it is tried again.
        case failed(LensError)
    }

    /// A default model that cannot be served.
    public struct StartFailure: Error {
        public let model: KnownModel
        public let error: LensError
    }

    /// Loads the configured models in their order, as many as fit together; the others are loaded when somebody asks.
    ///
    /// - Parameters:
    ///   - progress: learns that a model's load gets on, from the thread that reads.
    ///   - report: learns what became of each.
    /// - Throws: ``StartFailure`` where the default model cannot be served; without another one the daemon does its work.
    public func loadConfigured(
        progress: @escaping @Sendable (_ name: String, _ progress: LoadProgress) -> Void = { _, _ in },
        report: (_ model: KnownModel, _ outcome: StartOutcome) -> Void
    ) async throws(StartFailure) {
        let models = state.withLock { $0.entries.map(\.known) }
        for (index, known) in models.enumerated() {
            do throws(LensError) {
                let bytes = try open(known.folder).weightBytes
                guard heldBytes == 0 || heldBytes + bytes <= budget else {
                    report(known, .noRoom)
                    continue
                }
                let start = ContinuousClock.now
                let model = try await load(known.name, control: CallControl()) { progress(known.name, $0) }.model
                let seconds = start.duration(to: .now) / Duration.seconds(1)
                report(known, .resident(seconds: seconds, notices: model.notices))
            } catch {
                guard index > 0 else { throw StartFailure(model: known, error: error) }
                if error.code != .resourceExhausted {
                    state.withLock { $0.entries[index].heldBack = .failed(error) }
                }
                report(known, .failed(error))
            }
        }
    }

    /// No load begins any more, and those under way end.
    public func stop() {
        let loads = state.withLock { state in
            state.isStopped = true
            return state.entries.compactMap(\.load)
        }
        for load in loads { load.control.cancel() }
    }
}
