import LensCore
import LensTerminal
import Testing
import lensctl

@Suite struct HeadAtlasTextTests {
    private func atlas(kinds: [HeadFinding]) -> HeadAtlas {
        let scores = HeadScores(
            layer: 11, head: 11, toSelf: 0, toPrevious: 0, distance: 2, toDistance: 0, toFirst: 0, toDuplicate: 0,
            toInduction: 0, entropy: 0, position: 1, detectPrevious: 0, detectDuplicate: 0, detectInduction: 0,
            kinds: kinds)
        let head = HeadProfile(
            scores: scores, repeats: nil, tokens: 0.5, byDistance: [0.5], pairs: [], loss: 3, delta: -10.1234,
            standardError: 0.1234, copying: -0.5)
        return HeadAtlas(
            model: "m", form: .processed, fingerprint: "f", isBuiltInCorpus: true, promptCount: 1, tokenCount: 2,
            predictionCount: 1, baselineLoss: 1, ablation: .zero, repeatedLength: 0, heads: [head])
    }

    /// However a head is called, and whether or not its copying is known.
    @Test func linesFitEightyColumns() {
        let names: [HeadKind] = [.first, .duplicate, .positional, .contextual]
        for count in 0...names.count {
            let atlas = atlas(kinds: names.prefix(count).map { HeadFinding(kind: $0, score: 0.97, why: "so") })
            for terminal in [Terminal.plain, Terminal(width: 80, hasUnicode: true)] {
                let lines = HeadAtlasText.table(atlas, on: terminal).map { $0.rendered(on: terminal) }
                #expect(lines.allSatisfy { $0.count <= 80 }, "\(lines)")
                if count > 0 { #expect(lines[1].contains("first token 0.97")) }
                if count > 2 { #expect(lines[1].contains("+")) }
                #expect(lines[1].contains("-0.50") || lines[1].contains("−0.50"))
            }
        }
    }
}
