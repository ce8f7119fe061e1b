/// What `doctor` has found out about one thing.
struct Finding {
    enum State: String {
        case good
        case trouble
        /// Could not be looked at, or there is nothing to look at.
        case unknown
    }

    /// What was looked at.
    let check: String
    let state: State
    let message: String
    /// What to do; empty where nothing is to be done.
    let advice: String
    /// The exit status that it asks for.
    let status: ExitStatus

    static func good(_ check: String, _ message: String) -> Finding {
        Finding(check: check, state: .good, message: message, advice: "", status: .good)
    }

    static func unknown(_ check: String, _ message: String) -> Finding {
        Finding(check: check, state: .unknown, message: message, advice: "", status: .good)
    }

    static func trouble(
        _ check: String, _ message: String, advice: String, status: ExitStatus = .failure
    ) -> Finding {
        Finding(check: check, state: .trouble, message: message, advice: advice, status: status)
    }
}
