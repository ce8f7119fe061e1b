import Dispatch
import Synchronization

/// The log's lines on their way out, which one thread writes: whoever logs never waits for whoever reads.
///
/// A reader that does not read costs lines, not answers: what finds the queue full is dropped and counted, and the
/// next line that finds room comes behind one that says how many are missing.
final class LogQueue: Sendable {
    private struct State {
        var lines: [String] = []
        /// Of the lines, in bytes.
        var size = 0
        var dropped = 0
        var isWriting = false

        mutating func append(_ line: String) {
            lines.append(line)
            size += line.utf8.count
        }
    }

    /// What waits at most, in bytes; as much again may be on its way out.
    private static let capacity = 256 << 10

    private let state = Mutex(State())
    private let writer = DispatchQueue(label: "lensd.log")
    private let output: @Sendable (String) -> Void

    /// - Parameter output: writes one line; may block.
    init(output: @escaping @Sendable (String) -> Void) {
        self.output = output
    }

    /// Takes in a line, which ends in a newline.
    ///
    /// - Parameter note: gives the line that stands for so many dropped ones.
    func add(_ line: String, note: (_ dropped: Int) -> String) {
        let begins = state.withLock { state in
            guard state.size + line.utf8.count <= Self.capacity else {
                state.dropped += 1
                return false
            }
            if state.dropped > 0 { state.append(note(state.dropped)) }
            state.dropped = 0
            state.append(line)
            defer { state.isWriting = true }
            return !state.isWriting
        }
        if begins { writer.async { self.write() } }
    }

    /// Waits until what was added is written, but not for ever.
    func flush(within limit: DispatchTimeInterval) {
        let done = DispatchSemaphore(value: 0)
        writer.async { done.signal() }
        _ = done.wait(timeout: .now() + limit)
    }

    private func write() {
        while let lines = take() {
            for line in lines { output(line) }
        }
    }

    /// What waits; `nil` where nothing does, and then the next line begins anew.
    private func take() -> [String]? {
        state.withLock { state in
            guard !state.lines.isEmpty else {
                state.isWriting = false
                return nil
            }
            defer { (state.lines, state.size) = ([], 0) }
            return state.lines
        }
    }
}
