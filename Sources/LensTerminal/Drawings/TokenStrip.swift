import LensCore

/// A prompt's tokens in a row, wrapped, neighbours told apart.
public struct TokenStrip: Sendable {
    private let tokens: [Token]

    public init(_ tokens: [Token]) {
        self.tokens = tokens
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        let inks: [Ink] = [.plain, Ink(.accent)]
        var lines = [StyledText()]
        for (index, token) in tokens.enumerated() {
            let text = terminal.visible(token: token.text).truncated(to: terminal.width, mark: terminal.ellipsis)
            // Without colours a thin line stands between tokens.
            let separator = terminal.colours != .none || index == 0 ? "" : terminal.hasUnicode ? "│" : " "
            if (lines.last?.width ?? 0) + separator.displayWidth + text.displayWidth > terminal.width {
                lines.append(StyledText(text, inks[index % 2]))
            } else {
                lines[lines.count - 1].append(separator, .faint)
                lines[lines.count - 1].append(text, inks[index % 2])
            }
        }
        return lines
    }
}
