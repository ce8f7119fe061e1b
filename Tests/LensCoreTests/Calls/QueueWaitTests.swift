import LensCore
import Testing

/// How long a call's work has waited.
@Suite struct QueueWaitTests {
    @Test func piecesAtTheSameTimeCountOnce() async throws {
        let wait = QueueWait()
        #expect(!wait.isWaiting && wait.total == .zero)
        let first = wait.enter()
        let second = wait.enter()
        try await Task.sleep(for: .milliseconds(20))
        first.leave()
        #expect(wait.isWaiting)
        let soFar = wait.total
        #expect(soFar >= .milliseconds(20))
        second.leave()
        #expect(!wait.isWaiting)
        let total = wait.total
        #expect(total >= soFar && total < .seconds(10))
        try await Task.sleep(for: .milliseconds(5))
        // Twice does no harm, and the clock stands.
        second.leave()
        #expect(wait.total == total)
    }

    @Test func whatIsGivenUpWaitsNoLonger() {
        let wait = QueueWait()
        do {
            let piece = wait.enter()
            #expect(wait.isWaiting)
            withExtendedLifetime(piece) {}
        }
        #expect(!wait.isWaiting)
    }
}
