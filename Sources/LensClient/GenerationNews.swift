internal import LensCore

/// Gives each new token of a generation once: what is told again after ``startOver()`` is held against what was given.
struct GenerationNews {
    /// By prompt: what was given out.
    private var given: [Int: (ids: [Int32], text: String)] = [:]
    /// By prompt, of this try: how many tokens came, and their text.
    private var heard: [Int: (count: Int, text: String)] = [:]

    /// The events come from the beginning again.
    mutating func startOver() { heard = [:] }

    /// What of some news was not given out before.
    ///
    /// - Throws: `ABORTED` where they tell another story.
    mutating func take(_ news: [GeneratedTokens]) throws(LensError) -> [GeneratedTokens] {
        var fresh: [GeneratedTokens] = []
        for var batch in news {
            var given = given[batch.prompt] ?? ([], "")
            var heard = heard[batch.prompt] ?? (0, "")
            heard.text += batch.text
            let told = batch.tokens.prefix(max(0, given.ids.count - heard.count))
            let isSame = told.map(\.token.id).elementsEqual(given.ids.dropFirst(heard.count).prefix(told.count))
            // As scalars: a text may end within a character that the next piece completes.
            let (now, before) = (heard.text.unicodeScalars, given.text.unicodeScalars)
            guard isSame, now.starts(with: before) || before.starts(with: now) else {
                throw LensError(
                    .aborted, "the daemon went away, and continues the text otherwise than before: generate it again")
            }
            heard.count += batch.tokens.count
            batch.tokens.removeFirst(told.count)
            batch.text = String(now.dropFirst(before.count))
            given.ids += batch.tokens.map(\.token.id)
            given.text += batch.text
            self.heard[batch.prompt] = heard
            self.given[batch.prompt] = given
            if !batch.tokens.isEmpty || !batch.text.isEmpty { fresh.append(batch) }
        }
        return fresh
    }
}
