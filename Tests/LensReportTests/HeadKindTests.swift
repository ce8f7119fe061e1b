import LensCore
import LensReport
import Testing

@Suite struct HeadKindTests {
    private let quiet = HeadScores(
        layer: 0, head: 0, toSelf: 0.1, toPrevious: 0.1, distance: 2, toDistance: 0.1, toFirst: 0.1, toDuplicate: 0,
        toInduction: 0, entropy: 0.5, detectPrevious: 0, detectDuplicate: 0, detectInduction: 0)

    @Test func noScoreNoKind() {
        #expect(HeadKind.kinds(of: quiet).isEmpty)
    }

    @Test func severalKindsStrongestFirst() {
        var scores = quiet
        scores.toSelf = 0.45
        scores.toDistance = 0.5
        scores.distance = 4
        scores.entropy = 0.9
        #expect(HeadKind.kinds(of: scores).map(\.kind) == [.distance(4), .toSelf, .broad])
        #expect(HeadKind.kinds(of: scores).map(\.kind.description) == ["distance 4", "self", "broad"])
    }

    @Test func scoresThatAreNoNumbersAreNoKinds() {
        var scores = quiet
        scores.toInduction = .nan
        #expect(HeadKind.kinds(of: scores).isEmpty)
    }
}
