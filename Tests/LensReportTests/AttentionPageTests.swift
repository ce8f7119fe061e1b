import Foundation
import LensCore
import LensReport
import Testing

@Suite struct AttentionPageTests {
    private func data(of html: String) throws -> [String: Any] {
        let opening = "<script type=\"application/json\" id=\"data\">"
        let start = try #require(html.range(of: opening)).upperBound
        let end = try #require(html.range(of: "</script>", range: start..<html.endIndex)).lowerBound
        let object = try JSONSerialization.jsonObject(with: Data(html[start..<end].utf8))
        return try #require(object as? [String: Any])
    }

    private func result(_ texts: [String]) -> PromptResult {
        PromptResult(
            tokens: texts.enumerated().map { Token(id: Int32($0), text: $1) }, loss: .nan, perTokenLoss: [], top: [])
    }

    // MARK: - Size

    @Test func gptTwoSmallStaysUnderThreeMegabytes() throws {
        let page = try SamplePage(layers: 12, heads: 12, texts: SamplePage.story(128)).make()
        let bytes = page.html().utf8.count
        #expect(bytes < 3_000_000)
    }

    // MARK: - Content

    @Test func namesTheProcessingStepsThatTheModelHas() throws {
        let one = HeadPattern(layer: 0, head: 0, weights: [1])
        let page = try AttentionPage(
            model: "m", processingSteps: [.foldLn, .centerUnembed], fingerprint: "f", result: result(["a"]),
            patterns: [one])
        let rows = try #require(try data(of: page.html())["provenance"] as? [[String]])
        let weights = "processed as TransformerLens does by default: layer norms folded, unembedding centred"
        #expect(rows.contains(["Weights", weights]))
    }

    @Test func carriesWhatItWasMadeFrom() throws {
        let page = try SamplePage().make()
        let data = try data(of: page.html())
        let rows = try #require(data["provenance"] as? [[String]])
        let facts = Dictionary(rows.map { ($0[0], $0[1]) }, uniquingKeysWith: { first, _ in first })
        #expect(facts["Model"] == "tinytales-1l")
        #expect(facts["Fingerprint"] == String(repeating: "5be9", count: 16))
        #expect(facts["Weights"]?.contains("layer norms folded") == true)
        #expect(facts["Ablation"] == "each head's z set to zero, 29 predictions over this prompt")
        #expect(facts["Computed by"] == "lensd 0.1.0, OpenBLAS 0.3.21")
        #expect(facts["Page by"] == "lensd \(lensdVersion)")
        let tokens = try #require(data["tokens"] as? [[String: Any]])
        #expect(tokens.map { $0["id"] as? Int } == page.result.tokens.map { Int($0.id) })
        #expect(tokens[2]["text"] as? String == "·upon")
    }

    @Test func patternsComeBackFromTheirPacking() throws {
        let page = try SamplePage(layers: 2, heads: 3, texts: SamplePage.story(20)).make()
        let packed = try #require(try data(of: page.html())["patterns"] as? [String: Any])
        let triangles = Array(try #require(Data(base64Encoded: packed["triangles"] as? String ?? "")))
        let sources = Array(try #require(Data(base64Encoded: packed["topSources"] as? String ?? "")))
        let weights = Array(try #require(Data(base64Encoded: packed["topWeights"] as? String ?? "")))
        #expect(packed["sourceBytes"] as? Int == 1)
        let packings = try page.patterns.map { try CausalPacking(weights: $0.weights, positions: 20) }
        #expect(triangles == packings.flatMap(\.triangle))
        #expect(sources == packings.flatMap(\.topSources).map { UInt8($0) })
        let floats = stride(from: 0, to: weights.count, by: 4).map { at in
            Float(bitPattern: (0..<4).reduce(UInt32(0)) { $0 | UInt32(weights[at + $1]) << UInt32(8 * $1) })
        }
        #expect(floats == packings.flatMap(\.topWeights))
    }

    @Test func longPromptsHaveWideSources() throws {
        let page = try SamplePage(heads: 1, texts: SamplePage.story(300)).make()
        let packed = try #require(try data(of: page.html())["patterns"] as? [String: Any])
        let sources = Array(try #require(Data(base64Encoded: packed["topSources"] as? String ?? "")))
        let weights = try #require(page.patterns.first).weights
        let expected = try CausalPacking(weights: weights, positions: 300).topSources
        #expect(packed["sourceBytes"] as? Int == 2)
        #expect(
            stride(from: 0, to: sources.count, by: 2).map { UInt16(sources[$0]) | UInt16(sources[$0 + 1]) << 8 }
                == expected)
    }

    @Test func headsStandInOrderWithTheirEffects() throws {
        let sample = try SamplePage(layers: 2, heads: 2, texts: ["a", "b"]).make()
        let page = try AttentionPage(
            model: "m", form: .raw, fingerprint: "", result: sample.result, patterns: sample.patterns.reversed(),
            ablation: AttentionPage.Ablation(
                action: "mean", hook: "z", baselineLoss: 1, promptCount: 3, predictionCount: 3,
                effects: [
                    HeadEffect(layer: 1, head: 0, loss: 2, delta: 1, standardError: .nan, promptDeltas: []),
                    HeadEffect(layer: 9, head: 0, loss: 2, delta: 1, standardError: 0, promptDeltas: []),
                ]))
        let data = try data(of: page.html())
        let heads = try #require(data["heads"] as? [[String: Any]])
        #expect(heads.map { "\($0["layer"] ?? "")\($0["head"] ?? "")" } == ["00", "01", "10", "11"])
        #expect(heads.map { $0["delta"] as? Double } == [nil, nil, 1, nil])
        #expect(heads[2]["error"] is NSNull)
        #expect(data["title"] as? String == "Attention in m@raw")
    }

    @Test func ablationOfSeveralPromptsCountsTheirPredictions() {
        let token = Token(id: 0, text: "")
        let reply = SweepReply(
            runID: "", model: "m", form: .processed, fingerprint: "", action: .mean, hook: "z",
            tokens: [[token, token, token], [token], []], baselineLoss: 1, baselineLosses: [], heads: [])
        let ablation = AttentionPage.Ablation(reply)
        #expect(ablation.promptCount == 3 && ablation.predictionCount == 2)
    }

    // MARK: - Whatever a user typed is text

    static let nasty = [
        "<script>alert(1)</script>", "</script>", "<!--", "</title><img src=x onerror=alert(1)>", "\u{2028}",
        "\"'`\\", "\u{202E}evil", "\0\u{1B}[2J", "&lt;", "]]>", "{{title}}", "\u{FFFD}", "😀",
    ]

    @Test func nastyTextIsInertEverywhere() throws {
        let all = Self.nasty.joined()
        let count = Self.nasty.count
        var weights = [Float](repeating: 0, count: count * count)
        for row in 0..<count { weights[row * count] = 1 }
        let page = try AttentionPage(
            title: all, model: all, fingerprint: all, result: result(Self.nasty),
            patterns: [HeadPattern(layer: 0, head: 0, weights: weights)],
            ablation: AttentionPage.Ablation(
                action: "zero", hook: all, baselineLoss: 0, promptCount: 1, predictionCount: 1, effects: []),
            interventions: [InterventionSpec(hook: all, action: .zero, selection: Selection(heads: .index(0)))],
            daemon: DaemonVersion(lensd: all, wireProtocol: 1, blas: all, sqlite: all))
        let html = page.html()
        #expect(html.components(separatedBy: "<script").count == 3)
        #expect(html.components(separatedBy: "</script").count == 3)
        #expect(!html.contains("<img") && !html.contains("<!--"))
        #expect(!html.unicodeScalars.contains { [0, 0x1B, 0x2028, 0x202E].contains($0.value) })
        let tokens = try #require(try data(of: html)["tokens"] as? [[String: Any]])
        #expect(tokens.map { $0["text"] as? String } == Self.nasty.map(VisibleText.token))
    }

    // MARK: - What cannot be shown is refused

    private let one = HeadPattern(layer: 0, head: 0, weights: [1])

    @Test func refusesWhatDoesNotFit() throws {
        let cases: [(PromptResult, [HeadPattern], String)] = [
            (result([]), [one], "at least one token"),
            (result(["a"]), [], "at least one head"),
            (result(["a"]), [one, one], "layer 0, head 0 has two patterns"),
            (result(["a", "b"]), [one], "layer 0, head 0: a pattern over 2 positions has 4 weights; received 1"),
            (PromptResult(tokens: result(["a"]).tokens, loss: 0, perTokenLoss: [1], top: []), [one], "0 losses"),
        ]
        for (result, patterns, message) in cases {
            #expect {
                try AttentionPage(model: "m", fingerprint: "f", result: result, patterns: patterns)
            } throws: { error in
                (error as? LensError)?.code == .invalidArgument && "\(error)".contains(message)
            }
        }
    }

    @Test func layersComeApartIntoHeads() throws {
        let heads = try HeadPattern.heads(layer: 3, positions: 2, values: [1, 0, 0.5, 0.5, 1, 0, 0.25, 0.75])
        #expect(heads.map(\.head) == [0, 1])
        #expect(heads.map(\.layer) == [3, 3])
        #expect(heads[1].weights == [1, 0, 0.25, 0.75])
        #expect(throws: LensError.self) { try HeadPattern.heads(layer: 0, positions: 2, values: [1]) }
        #expect(throws: LensError.self) { try HeadPattern.heads(layer: 0, positions: 0, values: []) }
        #expect(throws: LensError.self) { try HeadPattern.heads(layer: 0, positions: .max, values: [1]) }
    }

    @Test func aSingleTokenMakesAPage() throws {
        let page = try AttentionPage(model: "m", fingerprint: "f", result: result(["a"]), patterns: [one])
        #expect(try data(of: page.html())["loss"] is NSNull)
    }
}
