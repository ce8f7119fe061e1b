import LensCore
import Testing

@Suite struct CallControlTests {
    @Test func theFirstReasonStays() {
        let control = CallControl()
        #expect(!control.isCancelled)
        #expect(control.reason == nil)
        control.cancel()
        control.expire()
        #expect(control.isCancelled)
        #expect(throws: LensError.cancelled) { try control.check() }
        let late = CallControl()
        late.expire()
        late.cancel()
        #expect(throws: LensError.deadlineExceeded) { try late.check() }
    }

    @Test func theClockIsLookedAtEvenWithoutAServer() async throws {
        let control = CallControl(deadline: .now + .milliseconds(30))
        try control.check()
        try await Task.sleep(for: .milliseconds(40))
        #expect(throws: LensError.deadlineExceeded) { try control.check() }
        #expect(control.isCancelled)
    }

    @Test func aPauseMovesTheDeadline() async throws {
        let control = CallControl(deadline: .now + .milliseconds(80))
        let before = try #require(control.deadline)
        control.pause()
        control.pause()
        #expect(control.pausedSince != nil)
        try await Task.sleep(for: .milliseconds(120))
        try control.check()
        control.resume()
        #expect(control.pausedSince != nil)
        control.resume()
        #expect(control.pausedSince == nil)
        try control.check()
        let after = try #require(control.deadline)
        #expect(after - before >= .milliseconds(120))
        try await Task.sleep(for: .milliseconds(100))
        #expect(throws: LensError.deadlineExceeded) { try control.check() }
    }

    @Test func aPausedCallCanBeCancelled() {
        let control = CallControl()
        control.pause()
        control.cancel()
        #expect(throws: LensError.cancelled) { try control.check() }
    }
}
