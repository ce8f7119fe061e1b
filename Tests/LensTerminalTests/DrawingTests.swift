import LensCore
import LensReport
import LensTerminal
import Testing

/// What a drawing looks like as plain text, line by line.
private func plain(_ lines: [StyledText]) -> [String] { lines.map { $0.rendered(on: .plain) } }

/// A pattern whose destinations look at themselves only.
private func diagonal(_ positions: Int, layer: Int = 0, head: Int = 0) -> HeadPattern {
    var weights = [Float](repeating: 0, count: positions * positions)
    for position in 0..<positions { weights[position * positions + position] = 1 }
    return HeadPattern(layer: layer, head: head, weights: weights)
}

/// A pattern that is spread evenly over what is visible.
private func broad(_ positions: Int) -> HeadPattern {
    var weights = [Float](repeating: 0, count: positions * positions)
    for destination in 0..<positions {
        for source in 0...destination { weights[destination * positions + source] = 1 / Float(destination + 1) }
    }
    return HeadPattern(layer: 0, head: 0, weights: weights)
}

private let terminals = [
    Terminal.plain, Terminal(hasUnicode: true), Terminal(colours: .indexed, hasUnicode: true),
    Terminal(colours: .direct, hasUnicode: true), Terminal(colours: .indexed, hasUnicode: false),
]

@Suite struct HeadGridTests {
    @Test(arguments: terminals, [1, 2, 9, 18, 19, 64, 500])
    func sixteenHeadsFitEightyColumns(terminal: Terminal, positions: Int) {
        let grid = HeadGrid((0..<16).map { diagonal(positions, head: $0) }, positions: positions)
        let lines = grid.lines(on: terminal)
        #expect(lines.allSatisfy { $0.width <= 80 })
        #expect(lines.count <= 4 * 10 + 3 + 3)
        let text = plain(lines).joined(separator: "\n")
        #expect((0..<16).allSatisfy { text.contains("L0H\($0)") })
    }

    @Test func shadesShowWhereAttentionGoes() {
        let lines = plain(HeadGrid([diagonal(6)], positions: 6).lines(on: .plain))
        #expect(
            Array(lines[1...6]) == [
                "@@@", "...@@@", "......@@@", ".........@@@", "............@@@", "...............@@@",
            ])
    }

    @Test func halfBlocksPutTwoDestinationsIntoALine() {
        let terminal = Terminal(colours: .direct, hasUnicode: true)
        let lines = plain(HeadGrid([diagonal(18)], positions: 18).lines(on: terminal))
        // Above the diagonal nothing is painted; the diagonal's lower half has a block of its own.
        #expect(lines[1] == "▀▄")
        #expect(lines[9] == String(repeating: "▀", count: 17) + "▄")
    }

    @Test func longPromptsAreGroupedWithoutLosingAttention() {
        // 64 destinations in 9 rows: every row's shares sum to one, so an even head stays even.
        let lines = plain(HeadGrid([broad(64)], positions: 64).lines(on: .plain))
        #expect(lines.last?.contains("64 tokens in 9 x 18 groups") == true)
        let last = lines[9]
        #expect(last.count == 18)
        // But for the last group, which holds the diagonal.
        #expect(Set(last.dropLast()).count == 1, "an even head is one shade: \(last)")
    }

    @Test func foreignPatternsDoNotTrap() {
        let short = HeadPattern(layer: 0, head: 0, weights: [1, .nan])
        #expect(!HeadGrid([short], positions: 5).lines(on: .plain).isEmpty)
        #expect(HeadGrid([], positions: 5).lines(on: .plain).isEmpty)
        #expect(HeadGrid([short], positions: 0).lines(on: .plain).isEmpty)
    }

    @Test func notesStandBesideTheNames() {
        let lines = plain(HeadGrid([diagonal(4)], positions: 4, notes: ["previous, duplicate"]).lines(on: .plain))
        #expect(lines[0] == "L0H0 previous, d..")
    }
}

@Suite struct HeadHeatmapTests {
    @Test(arguments: terminals, [1, 5, 31, 32, 60, 200])
    func fitsEightyColumns(terminal: Terminal, positions: Int) {
        let tokens = (0..<positions).map { $0 % 3 == 0 ? " Once\u{1B}[2J" : " 你好好好好好好好好好" }
        let lines = HeadHeatmap(diagonal(positions), tokens: tokens).lines(on: terminal)
        #expect(lines.allSatisfy { $0.width <= 80 })
        #expect(lines.allSatisfy { !$0.plainText.contains("\u{1B}") })
    }

    @Test func everyTokenStandsAtTheEndOfItsRow() {
        let lines = plain(HeadHeatmap(diagonal(3), tokens: ["<BOS>", "Once", " upon"]).lines(on: .plain))
        #expect(lines[1] == "0 @@ '<BOS>'     <- 1.00 0 '<BOS>'")
        #expect(lines[2] == "1 ..@@ 'Once'    <- 1.00 1 'Once'")
        #expect(lines[3] == "2 ....@@ ' upon' <- 1.00 2 ' upon'")
    }

    @Test func noTokensMakeNoPicture() {
        #expect(HeadHeatmap(diagonal(3), tokens: []).lines(on: .plain).isEmpty)
    }
}

@Suite struct SignedBarChartTests {
    private func chart(_ values: [(Double, Double)], width: Int = 60, on terminal: Terminal = .plain) -> [String] {
        let entries = values.enumerated().map {
            SignedBarChart.Entry(label: "H\($0)", value: $1.0, standardError: $1.1)
        }
        return SignedBarChart(entries, width: width).lines(on: terminal).map(\.plainText)
    }

    @Test func barsGrowToBothSidesOfOneAxis() {
        let lines = chart([(0.4, 0), (-0.2, 0), (0, 0)])
        let axes = lines.compactMap { line in
            line.firstIndex(of: "|").map { line.distance(from: line.startIndex, to: $0) }
        }
        #expect(Set(axes).count == 1 && axes.count == 3)
        let plus = lines[0].drop { $0 != "|" }.prefix { $0 != " " }.filter { $0 == "+" }.count
        let minus = lines[1].prefix { $0 != "|" }.filter { $0 == "-" }.count
        #expect(abs(plus - 2 * minus) <= 1, "0.4 is twice 0.2: \(lines)")
        #expect(lines.allSatisfy { $0.count == 60 })
        #expect(lines[1].hasSuffix("-0.2000 +-0.0000"))
    }

    @Test func eighthBlocksResolveAnEighthOfAColumn() {
        let terminal = Terminal(hasUnicode: true)
        let lines = chart([(1, .nan), (0.5, .nan), (0.01, .nan)], width: 30, on: terminal)
        // Label 2, number 7, two separators, axis 1: 18 columns for a value of 1.
        #expect(lines[0].contains("│" + String(repeating: "█", count: 18) + " "))
        #expect(lines[1].contains("│" + String(repeating: "█", count: 9) + " "))
        #expect(lines[2].contains("│▏"))
    }

    @Test func whiskersReachOneStandardError() {
        let line = chart([(0.5, 0.5)], width: 33, on: Terminal(hasUnicode: true))[0]
        let bar = line.filter { $0 == "█" }.count
        let whisker = line.filter { $0 == "─" || $0 == "┤" }.count
        #expect(abs(bar - whisker) <= 1 && bar + whisker >= 12, "\(line)")
    }

    @Test func numbersThatAreNoneDrawNothing() {
        #expect(chart([(0, 1e300), (0.1, 0.01), (-1e-300, 1e308), (-1e308, 1)]).allSatisfy { $0.count <= 80 })
        let lines = chart([(.nan, .nan), (0, .nan), (.infinity, 1)])
        #expect(lines.allSatisfy { $0.count <= 60 })
        #expect(lines[0].hasSuffix("nan"))
    }
}

@Suite struct AblationChartTests {
    @Test(arguments: terminals, [1, 16, 48, 49, 144])
    func fitsEightyColumns(terminal: Terminal, heads: Int) {
        let entries = (0..<heads).map {
            SignedBarChart.Entry(label: "L11H\($0)", value: Double($0 % 7) - 2.5, standardError: 0.25)
        }
        let lines = AblationChart(entries).lines(on: terminal)
        #expect(lines.allSatisfy { $0.width <= 80 })
        #expect(lines.count <= 60)
    }

    @Test func theSortedHalfIsSorted() throws {
        let entries = [("A", 0.1), ("B", 0.3), ("C", -0.2)].map {
            SignedBarChart.Entry(label: $0.0, value: $0.1, standardError: 0.01)
        }
        let lines = AblationChart(entries).lines(on: .plain).map(\.plainText)
        let right = lines[1...3].map { $0.dropFirst(41).drop { $0 == " " }.first }
        #expect(right == ["B", "A", "C"])
        #expect(lines[1...3].map { $0.drop { $0 == " " }.first } == ["A", "B", "C"])
    }
}

@Suite struct PredictionTableTests {
    @Test func barsAreAsLongAsTheProbability() {
        let predictions = [(" there", Float(-0.6931472)), ("\n", -100)].map {
            Prediction(token: Token(id: 7, text: $0.0), logprob: $0.1)
        }
        let lines = plain(PredictionTable(predictions).lines(on: .plain))
        #expect(lines[0].hasPrefix("next  id  token"))
        #expect(lines[1] == "   1   7  ' there'    -0.693  50.0%  " + String(repeating: "#", count: 14))
        #expect(lines[2] == "   2   7  '\\n'      -100.000   0.0%")
    }
}

@Suite struct TokenStripTests {
    @Test func wrapsAtTheWidth() {
        let tokens = (0..<60).map { Token(id: Int32($0), text: " token\($0)") }
        for terminal in terminals {
            let lines = TokenStrip(tokens).lines(on: terminal)
            #expect(lines.allSatisfy { $0.width <= 80 })
            #expect(lines.count > 4)
        }
    }
}
