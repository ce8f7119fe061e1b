/// What a recipe may hold, with the passes that its edits take values from, and theirs.
extension Recipe {
    /// How deep passes may lie in one another.
    public static let maximumDepth = 4
    /// The most numbers: tokens, and the values that edits bring.
    public static let maximumSize = 8 << 20

    /// How deep passes that its edits take values from lie in one another; 1 where there are none.
    public var depth: Int { 1 + (interventions.compactMap { $0.action.source?.depth }.max() ?? 0) }

    /// About how many numbers it holds.
    public var size: Int {
        tokens.reduce(0) { $0 + $1.count } + interventions.reduce(0) { $0 + $1.size }
    }

    public static let tooDeep = LensError.invalidArgument(
        "passes that take values from other passes lie at most \(maximumDepth) deep in one another")
    public static let tooLarge = LensError.invalidArgument(
        "the interventions and the passes that they take values from hold more than \(maximumSize) numbers in all")
}

extension Intervention {
    /// About how many numbers it holds, those of another pass included.
    public var size: Int {
        let values =
            switch action {
            case .set(let operand), .add(let operand), .project(let operand): operand.values.count
            default: 0
            }
        return 16 + values + (action.source?.size ?? 0)
    }
}
