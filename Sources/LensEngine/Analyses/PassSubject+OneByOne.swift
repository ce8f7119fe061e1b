/// Prompts that are analysed one after the other.
extension PassSubject {
    /// One prompt with all that edits tie it to, and which of these it is.
    func batch(of prompt: Int) -> (prompts: [Int], sequence: Int) {
        let prompts = batches([prompt]).first ?? []
        return (prompts, prompts.firstIndex(of: prompt) ?? 0)
    }

    /// What passes for every prompt take; where edits reach across prompts, each takes all of them along.
    ///
    /// - Parameters:
    ///   - passes: for each prompt.
    ///   - readRows: rows of all prompts that meet the vocabulary.
    func costOneByOne(passes: Int = 1, readRows: Int = 0) -> PassCost {
        let rounds = passes * (plan.needsAllPrompts ? recipe.tokens.count : 1)
        let blocks = operations()
        return PassCost(
            operations: Double(rounds) * blocks + (operations(readRows: readRows) - blocks), rows: rounds * rowCount)
    }
}
