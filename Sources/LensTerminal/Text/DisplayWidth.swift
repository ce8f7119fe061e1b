/// How many columns text takes on a terminal: 2 for East Asian wide characters and emoji, 0 for marks on others.
extension String {
    public var displayWidth: Int {
        utf8.allSatisfy { $0 < 0x80 } ? utf8.count : reduce(0) { $0 + $1.displayWidth }
    }

    /// The text in at most `width` columns; what is cut away is shown by `mark`.
    public func truncated(to width: Int, mark: String) -> String {
        guard displayWidth > width else { return self }
        let room = width - mark.displayWidth
        guard room >= 0 else { return "" }
        var result = ""
        var used = 0
        for character in self {
            used += character.displayWidth
            guard used <= room else { break }
            result.append(character)
        }
        return result + mark
    }
}

extension Character {
    var displayWidth: Int {
        var widest = 0
        for scalar in unicodeScalars {
            if scalar == "\u{FE0F}" { return 2 }
            widest = max(widest, scalar.displayWidth)
        }
        return widest
    }
}

extension Unicode.Scalar {
    fileprivate var displayWidth: Int {
        if value < 0x300 { return value < 0x20 || (0x7F..<0xA0).contains(value) ? 0 : 1 }
        switch properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: break
        }
        return Self.wideRanges.contains { $0.contains(value) } || properties.isEmojiPresentation ? 2 : 1
    }

    /// Unicode's East_Asian_Width W and F, by blocks.
    private static let wideRanges: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2329...0x232A, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF,
        0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
        0xFFE0...0xFFE6, 0x17000...0x18CFF, 0x1B000...0x1B2FF, 0x1F200...0x1F2FF, 0x20000...0x3FFFD,
    ]
}
