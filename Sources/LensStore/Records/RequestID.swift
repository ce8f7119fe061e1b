import LensCore

/// What names a call in each of its tries, as far as the store minds it.
enum RequestID {
    private static let longest = 64

    /// - Throws: `INVALID_ARGUMENT` for one that is too long.
    static func check(_ bytes: [UInt8]) throws(LensError) {
        guard bytes.count <= longest else {
            throw .invalidArgument("a request id has at most \(longest) bytes; received \(bytes.count)")
        }
    }

    /// For one whose first try asked something else.
    ///
    /// - Parameter run: what the first try recorded.
    static func isTaken(by run: String? = nil) -> LensError {
        .invalidArgument("this request id was already used for another call" + (run.map { " (run \($0))" } ?? ""))
    }
}
