import LensCore
import Testing

@Suite struct HeadEvidenceTests {
    /// A head of no kind: structured by neither position nor content.
    private let quiet = HeadScores(
        layer: 1, head: 0, toSelf: 0.1, toPrevious: 0.1, distance: 2, toDistance: 0.1, toFirst: 0.1, toDuplicate: 0,
        toInduction: 0, entropy: 0.5, detectPrevious: 0, detectDuplicate: 0, detectInduction: 0)

    private func kinds(_ change: (inout HeadEvidence) -> Void) -> [HeadKind] {
        var evidence = HeadEvidence(scores: quiet)
        change(&evidence)
        return evidence.findings.map(\.kind)
    }

    @Test func noScoreNoKind() {
        #expect(kinds { _ in }.isEmpty)
    }

    @Test func severalPlacesStrongestFirst() {
        let evidence = kinds {
            $0.scores.toSelf = 0.45
            $0.scores.toDistance = 0.5
            $0.scores.distance = 4
            $0.scores.entropy = 0.9
        }
        #expect(evidence == [.distance(4), .toSelf, .broad])
        #expect(evidence.map(\.description) == ["distance 4", "self", "broad"])
    }

    @Test func whatPositionExplainsDecidesBetweenPlaceAndContent() {
        #expect(
            kinds {
                $0.scores.structure = 1
                $0.scores.position = 0.5
            } == [.positional])
        #expect(
            kinds {
                $0.scores.structure = 1
                $0.scores.position = 0.49
            } == [.semantic])
        // A place says more than "positional".
        #expect(
            kinds {
                $0.scores.structure = 1
                $0.scores.position = 0.9
                $0.scores.toPrevious = 0.8
            } == [.previous])
    }

    @Test func aHeadThatNoTokensExplainIsContextual() {
        func content(_ tokens: Double?, layer: Int) -> [HeadKind] {
            kinds {
                $0.scores.layer = layer
                $0.scores.structure = 1
                $0.scores.position = 0.2
                $0.tokens = tokens
            }
        }
        #expect(content(0.09, layer: 1) == [.semantic])
        #expect(content(0.07, layer: 1) == [.contextual])
        #expect(content(nil, layer: 1) == [.semantic])
        // Nothing but tokens and positions is there to go by.
        #expect(content(0, layer: 0) == [.semantic])
    }

    @Test func randomTokensDecideOnRepeats() {
        #expect(
            kinds {
                $0.repeats = RepeatScores(duplicate: 0.39, induction: 0.4)
                $0.scores.structure = 1
            } == [.induction])
        #expect(kinds { $0.repeats = RepeatScores(duplicate: 0.5, induction: 0) } == [.duplicate])
    }

    @Test func aTextDecidesOnlyWherePositionAndEvenAttentionDoNotExplainIt() {
        func repeats(_ change: (inout HeadScores) -> Void) -> [HeadKind] {
            kinds {
                $0.scores.structure = 1
                $0.scores.toDuplicate = 0.6
                $0.scores.evenDuplicate = 0.1
                change(&$0.scores)
            }
        }
        #expect(repeats { _ in } == [.duplicate])
        #expect(repeats { $0.evenDuplicate = 0.31 } == [.semantic])
        #expect(repeats { $0.position = 0.6 } == [.positional])
    }

    @Test func scoresThatAreNoNumbersAreNoKinds() {
        #expect(
            kinds {
                $0.scores.toInduction = .nan
                $0.scores.position = .nan
                $0.repeats = RepeatScores(duplicate: .nan, induction: .nan)
            }.isEmpty)
    }

    @Test func aReasonNamesItsScores() throws {
        var scores = quiet
        scores.toPrevious = 0.97
        let finding = try #require(HeadKind.kinds(of: scores).first)
        #expect(finding.why == "the position before gets 97 % of its attention")
        #expect(finding.score == 0.97)
    }

    @Test func wordsAreReadAsTheyAreWritten() {
        let all: [HeadKind] = [
            .toSelf, .previous, .distance(7), .first, .positional, .duplicate, .induction, .semantic, .contextual,
            .broad,
        ]
        for kind in all { #expect(HeadKind(word: kind.word, distance: kind.distance) == kind) }
        #expect(HeadKind(word: "distance", distance: 1) == nil)
        #expect(HeadKind(word: "Self") == nil)
    }
}
