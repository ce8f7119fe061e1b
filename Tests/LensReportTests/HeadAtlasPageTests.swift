import LensCore
import LensReport
import Testing

@Suite struct HeadAtlasPageTests {
    private func profile(_ head: Int, pairs: [TokenPair] = []) -> HeadProfile {
        var scores = HeadScores(
            layer: 0, head: head, toSelf: 0, toPrevious: 0.9, distance: 2, toDistance: 0, toFirst: 0, toDuplicate: 0,
            toInduction: 0, entropy: 0.2, structure: 2, position: 0.9, detectPrevious: 0, detectDuplicate: 0,
            detectInduction: 0)
        scores.kinds = HeadKind.kinds(of: scores)
        return HeadProfile(
            scores: scores, tokens: 0.05, byDistance: [0.1, 0, 0.9], pairs: pairs, loss: 1.5, delta: 0.25,
            standardError: 0.01)
    }

    private func atlas(_ heads: [HeadProfile], model: String = "m") -> HeadAtlas {
        HeadAtlas(
            model: model, form: .processed, fingerprint: "f", isBuiltInCorpus: false, promptCount: 1, tokenCount: 3,
            predictionCount: 2, baselineLoss: 1.25, ablation: .zero, repeatedLength: 0, heads: heads)
    }

    @Test func thereIsACardPerHead() throws {
        let html = try HeadAtlasPage(atlas([profile(0), profile(1)])).html()
        #expect(html.contains("<article id=\"L0H0\"") && html.contains("<article id=\"L0H1\""))
        #expect(html.contains("href=\"#L0H1\""))
        #expect(html.contains("The position before gets 90 % of its attention."))
        #expect(html.contains("<b>+0.2500</b> ± 0.0100"))
    }

    @Test func whatUsersTypedIsEscaped() throws {
        let hostile = "<script>\u{202E}alert(1)</script>"
        let pair = TokenPair(
            destination: Token(id: 1, text: hostile), source: Token(id: 2, text: "\"'&"), weight: 0.5, places: 1)
        let page = try HeadAtlasPage(atlas([profile(0, pairs: [pair])], model: "m"), title: hostile)
        let html = page.html()
        #expect(!html.contains("<script"))
        #expect(!html.contains("\u{202E}"))
        #expect(html.contains("&lt;script&gt;"))
        #expect(html.contains("&quot;&#39;&amp;"))
    }

    @Test func patternsAreDrawnRowByRow() throws {
        let pattern = HeadPattern(layer: 0, head: 0, weights: [1, 0, 1, 0])
        let page = try HeadAtlasPage(
            atlas([profile(0)]), example: [Token(id: 0, text: "a"), Token(id: 1, text: "b")], patterns: [pattern])
        // Both rows attend to the first position, fully.
        #expect(page.html().contains("<path class=\"s6\" d=\"M0 0h1v1h-1zM0 1h1v1h-1z\"/>"))
    }

    @Test func patternsAreOnePerHead() {
        #expect(throws: LensError.self) {
            try HeadAtlasPage(
                atlas([profile(0), profile(1)]), example: [Token(id: 0, text: "a")],
                patterns: [HeadPattern(layer: 0, head: 0, weights: [1])])
        }
    }
}
