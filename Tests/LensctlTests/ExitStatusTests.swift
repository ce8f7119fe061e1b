import LensCore
import Testing
import lensctl

@Suite struct ExitStatusTests {
    @Test(arguments: [
        (StatusCode.ok, Int32(0)), (.invalidArgument, 65), (.notFound, 65), (.outOfRange, 65), (.unavailable, 69),
        (.resourceExhausted, 75), (.deadlineExceeded, 75), (.permissionDenied, 77), (.internal, 1), (.dataLoss, 1),
        (.unimplemented, 1),
    ])
    func statusesBecomeSysexits(code: StatusCode, status: Int32) {
        #expect(ExitStatus(code).rawValue == status)
    }
}
