/// What becomes of the places where a splitting component matches.
enum SplitBehavior: String, Sendable, CaseIterable {
    case removed = "Removed"
    case isolated = "Isolated"
    case mergedWithPrevious = "MergedWithPrevious"
    case mergedWithNext = "MergedWithNext"
    case contiguous = "Contiguous"

    /// A part of a text, between matches or one.
    struct Segment {
        var range: Range<Int>
        let isMatch: Bool
    }

    /// The parts that are left, after the library's `NormalizedString::split`.
    func pieces(of segments: [Segment]) -> [Range<Int>] {
        switch self {
        case .removed: segments.filter { !$0.isMatch }.map(\.range)
        case .isolated: segments.map(\.range)
        case .contiguous: Self.joining(segments) { $0 == $1 }
        case .mergedWithPrevious: Self.joining(segments) { $0 && !$1 }
        case .mergedWithNext: Array(Self.joining(segments.reversed()) { $0 && !$1 }.reversed())
        }
    }

    /// - Parameter joins: whether a segment goes with the one before it, from whether each is a match.
    private static func joining(
        _ segments: some Collection<Segment>, _ joins: (_ isMatch: Bool, _ wasMatch: Bool) -> Bool
    ) -> [Range<Int>] {
        var pieces: [Range<Int>] = []
        var wasMatch = false
        for segment in segments {
            if let last = pieces.last, joins(segment.isMatch, wasMatch) {
                let joined =
                    min(
                        last.lowerBound, segment.range.lowerBound)..<max(
                        last.upperBound, segment.range.upperBound)
                pieces[pieces.count - 1] = joined
            } else {
                pieces.append(segment.range)
            }
            wasMatch = segment.isMatch
        }
        return pieces
    }
}
