import LensCore

/// Encodes one word after another. A word that was met before is copied, not merged again.
struct TextEncoder {
    private(set) var tokens: [Int32] = []
    /// Why it stopped before the end: nobody waits for the tokens any more.
    private(set) var failure: LensError?

    private let control: CallControl?
    /// Bytes of words since the last look at the control.
    private var unlooked = 0

    private let model: BytePairModel
    private var merger: WordMerger
    /// Words met before, by their hash, the latest of equals; as many as the text's length calls for.
    private var seen: [SeenWord]
    /// Their bytes end to end.
    private var seenBytes: [UInt8] = []
    private let key = (UInt64.random(in: 0...UInt64.max), UInt64.random(in: 0...UInt64.max) | 1)

    /// Where a word's bytes and its tokens stand; empty in a slot that was not used.
    private struct SeenWord {
        var start: UInt32 = 0
        var length: UInt32 = 0
        var tokens = 0..<0
    }

    private static let longestSeenWord = 64
    private static let seenBytesLimit = 1 << 20
    /// About a millisecond's.
    private static let bytesBetweenLooks = 16 << 10

    /// - Parameters:
    ///   - byteCount: the text's length.
    ///   - control: of the call that the tokens are for.
    init(_ model: BytePairModel, byteCount: Int, control: CallControl?) {
        self.model = model
        self.control = control
        merger = WordMerger(model)
        var size = 16
        while size < 16384, size * 8 < byteCount { size *= 2 }
        seen = Array(repeating: SeenWord(), count: size)
        tokens.reserveCapacity(byteCount / 3 + 8)
    }

    mutating func append(_ token: Int32) {
        tokens.append(token)
    }

    /// Appends the tokens of a word.
    mutating func append(_ text: ValidUTF8, _ word: Range<Int>) {
        guard !model.wordStart.isEmpty else { return appendPart(text, word) }
        if let id = wholeWord(text, word) { return tokens.append(id) }
        var start = word.lowerBound
        var position = start
        var isBehindStart = true
        while position < word.upperBound {
            if text.holds(model.wordStart, at: position, before: word.upperBound) {
                if !isBehindStart {
                    appendPart(text, start..<position)
                    start = position
                }
                isBehindStart = true
                position += model.wordStart.count
            } else {
                isBehindStart = false
                position += 1
            }
        }
        appendPart(text, start..<word.upperBound)
    }

    /// Appends the tokens of a word, or of a part that no merge reaches out of.
    private mutating func appendPart(_ text: ValidUTF8, _ word: Range<Int>) {
        guard isWanted(after: word.count) else { return }
        guard word.count > 1, word.count <= Self.longestSeenWord else { return merge(text, word) }
        let slot = text.bytes.withUnsafeBufferPointer { all in
            Int(truncatingIfNeeded: ByteHash.hash(UnsafeBufferPointer(rebasing: all[word]), key)) & (seen.count - 1)
        }
        let known = seen[slot]
        if isEqual(known, text, word) {
            for index in known.tokens { tokens.append(tokens[index]) }
            return
        }
        let start = tokens.count
        merge(text, word)
        guard seenBytes.count <= Self.seenBytesLimit else { return }
        seen[slot] = SeenWord(
            start: UInt32(truncatingIfNeeded: seenBytes.count), length: UInt32(truncatingIfNeeded: word.count),
            tokens: start..<tokens.count)
        seenBytes += text.bytes[word]
    }

    private mutating func merge(_ text: ValidUTF8, _ word: Range<Int>) {
        if model.wordStart.isEmpty, let id = wholeWord(text, word) { return tokens.append(id) }
        do throws(LensError) {
            try merger.append(text, word, to: &tokens, control: control)
        } catch {
            failure = error
        }
    }

    /// Looks at the call now and then.
    private mutating func isWanted(after byteCount: Int) -> Bool {
        unlooked += byteCount
        guard unlooked >= Self.bytesBetweenLooks, let control, failure == nil else { return failure == nil }
        unlooked = 0
        do throws(LensError) {
            try control.check()
        } catch {
            failure = error
        }
        return failure == nil
    }

    /// The token that a word is without any merge.
    private func wholeWord(_ text: ValidUTF8, _ word: Range<Int>) -> Int32? {
        guard let vocabulary = model.wholeWords else { return nil }
        return text.bytes.withUnsafeBufferPointer { vocabulary.id(of: UnsafeBufferPointer(rebasing: $0[word])) }
    }

    @inline(__always)
    private func isEqual(_ known: SeenWord, _ text: ValidUTF8, _ word: Range<Int>) -> Bool {
        guard Int(known.length) == word.count else { return false }
        let start = Int(known.start)
        for offset in 0..<word.count where seenBytes[start + offset] != text.bytes[word.lowerBound + offset] {
            return false
        }
        return true
    }
}
