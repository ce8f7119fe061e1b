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
}
