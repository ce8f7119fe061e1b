/// How a share of attention becomes a colour or a shade: by its square root, so that small weights can be seen.
struct HeatScale {
    let terminal: Terminal

    /// From the first, which stands for nearly zero, to the last, which stands for one.
    private var shades: [Character] {
        terminal.hasUnicode ? ["·", "░", "▒", "▓", "█"] : [".", ":", "-", "=", "+", "*", "#", "%", "@"]
    }

    func colour(_ share: Double) -> Colour { .heat(share > 0 ? share.squareRoot() : share, terminal.colours) }

    func shade(_ share: Double) -> Character {
        guard share.isFinite else { return "?" }
        let place = min(max(share, 0), 1).squareRoot() * Double(shades.count - 1)
        return shades[min(Int(place + 0.5), shades.count - 1)]
    }

    /// A key of the scale.
    var key: StyledText {
        var line = StyledText("attention  ", .faint)
        let ticks: [(share: Double, label: String)] = [(0, "0"), (0.05, ".05"), (0.2, ".2"), (0.5, ".5"), (1, "1")]
        if terminal.colours == .none {
            for tick in ticks { line.append("\(tick.label) \(shade(tick.share))  ") }
            return line
        }
        let steps = 6
        for (tick, next) in zip(ticks, ticks.dropFirst()) {
            line.append(tick.label + " ", .faint)
            for step in 0..<steps {
                let part = Double(step) / Double(steps)
                line.append(" ", Ink(on: colour(tick.share + (next.share - tick.share) * part)))
            }
            line.append(" ")
        }
        line.append("1", .faint)
        return line
    }
}
