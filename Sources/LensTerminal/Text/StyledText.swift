/// How a piece of text is painted.
public struct Ink: Sendable, Hashable {
    public var foreground: Colour?
    public var background: Colour?
    public var isBold = false
    public var isFaint = false
    /// Foreground and background change places.
    public var isReversed = false

    public init(
        _ foreground: Colour? = nil, on background: Colour? = nil, isBold: Bool = false, isFaint: Bool = false,
        isReversed: Bool = false
    ) {
        self.foreground = foreground
        self.background = background
        self.isBold = isBold
        self.isFaint = isFaint
        self.isReversed = isReversed
    }

    public static let plain = Ink()
    public static let bold = Ink(isBold: true)
    public static let faint = Ink(isFaint: true)

    /// The SGR parameters that switch this ink on.
    fileprivate func parameters(_ depth: Terminal.ColourDepth) -> String {
        var codes: [String] = []
        if isBold { codes.append("1") }
        if isFaint { codes.append("2") }
        if isReversed { codes.append("7") }
        for (colour, code) in [(foreground, "38"), (background, "48")] {
            guard let colour else { continue }
            codes.append(
                depth == .direct
                    ? "\(code);2;\(colour.red);\(colour.green);\(colour.blue)" : "\(code);5;\(colour.index)")
        }
        return codes.joined(separator: ";")
    }
}

/// One line of text in pieces that are painted differently; knows its width in columns.
public struct StyledText: Sendable, Hashable {
    private struct Piece: Sendable, Hashable {
        var text: String
        var ink: Ink
    }

    private var pieces: [Piece]
    /// Columns on a terminal.
    public private(set) var width: Int

    public init(_ text: String = "", _ ink: Ink = .plain) {
        pieces = text.isEmpty ? [] : [Piece(text: text, ink: ink)]
        width = text.displayWidth
    }

    public mutating func append(_ text: String, _ ink: Ink = .plain) {
        guard !text.isEmpty else { return }
        width += text.displayWidth
        if pieces.last?.ink == ink {
            pieces[pieces.count - 1].text += text
        } else {
            pieces.append(Piece(text: text, ink: ink))
        }
    }

    public mutating func append(_ other: StyledText) {
        for piece in other.pieces { append(piece.text, piece.ink) }
    }

    public static func + (left: StyledText, right: StyledText) -> StyledText {
        var sum = left
        sum.append(right)
        return sum
    }

    public enum Alignment: Sendable { case left, right }

    /// The text with spaces on one side, at least `width` columns wide.
    public func padded(to width: Int, _ alignment: Alignment = .left) -> StyledText {
        let space = StyledText(String(repeating: " ", count: max(width - self.width, 0)))
        return alignment == .left ? self + space : space + self
    }

    /// The text without any paint.
    public var plainText: String { pieces.map(\.text).joined() }

    /// The text with the escape sequences that a terminal paints it by; no trailing spaces.
    public func rendered(on terminal: Terminal) -> String {
        guard terminal.colours != .none else { return plainText.droppingTrailingSpaces }
        var pieces = pieces
        while let last = pieces.last, last.ink.background == nil, !last.ink.isReversed {
            let text = last.text.droppingTrailingSpaces
            pieces[pieces.count - 1].text = text
            guard text.isEmpty else { break }
            pieces.removeLast()
        }
        return pieces.map { piece in
            let parameters = piece.ink.parameters(terminal.colours)
            return parameters.isEmpty ? piece.text : "\u{1B}[\(parameters)m\(piece.text)\u{1B}[0m"
        }.joined()
    }
}

extension StyledText: ExpressibleByStringLiteral {
    public init(stringLiteral value: String) { self.init(value) }
}

extension String {
    fileprivate var droppingTrailingSpaces: String {
        var text = self[...]
        while text.last == " " { text = text.dropLast() }
        return String(text)
    }
}
