/// Edits as `lensctl --edit` writes them; of values only their number is said, of other passes their tokens.
extension Intervention: CustomStringConvertible {
    public var description: String {
        let value =
            switch action {
            case .set(let operand), .add(let operand), .project(let operand):
                operand.values.count == 1 ? " \(operand.values[0])" : " (\(operand.values.count) values)"
            case .scale(let factor): " \(factor)"
            default: ""
            }
        return "\(action.name) \(point.name)\(value)\(selection)\(origin)"
    }

    private var origin: String {
        switch action {
        case .meanOf(let source): " over=\(source.summary)"
        case .patch(let source, let prompt, let positions):
            " from=\(source.summary)" + (prompt.map { " from_prompt=\($0)" } ?? "")
                + (positions.map { " from_pos=\($0)" } ?? "")
        case .swap(let prompt): " with=\(prompt)"
        default: ""
        }
    }
}

extension Recipe {
    fileprivate var summary: String {
        let count = tokens.reduce(0) { $0 + $1.count }
        let edits = interventions.isEmpty ? "" : ", edited"
        return tokens.count == 1 ? "(\(count) tokens\(edits))" : "(\(tokens.count) prompts, \(count) tokens\(edits))"
    }
}

extension RunSummary {
    /// What a list says of edits: one after the other, the first ones of many.
    public static func editTexts(_ interventions: [Intervention]) -> [String] {
        let shown = 4
        let more = interventions.count - shown
        return interventions.prefix(shown).map(\.description) + (more > 0 ? ["and \(more) more"] : [])
    }
}
