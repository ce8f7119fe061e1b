import LensCore

/// Merges the symbols of words to tokens, the pair of lowest rank first, the leftmost of equals first.
///
/// Holds the memory that one word after another is merged in.
struct WordMerger {
    private let model: BytePairModel
    private var tokens: [Int32] = []
    /// The rank of each symbol and its right neighbour; the largest number where they do not merge.
    private var ranks: [UInt32] = []
    private var long = LongWordMerger()

    /// Words of up to so many symbols are searched for the lowest rank anew after each merge; that is faster than a
    /// queue for them.
    private static let shortLength = 40
    private static let none = UInt32.max

    init(_ model: BytePairModel) {
        self.model = model
    }

    /// Appends the tokens of a word.
    ///
    /// - Throws: what the control says, while a long word is merged.
    mutating func append(
        _ text: ValidUTF8, _ word: Range<Int>, to output: inout [Int32], control: CallControl?
    ) throws(LensError) {
        tokens.removeAll(keepingCapacity: true)
        switch model.alphabet {
        case .bytes(let symbols): addBytes(text.bytes[word], symbols)
        case .characters(let characters, let byteTokens): addCharacters(text, word, characters, byteTokens)
        }
        if tokens.count > Self.shortLength {
            try long.merge(tokens, by: model, to: &output, control: control)
        } else {
            mergeShort()
            output += tokens
        }
    }

    // MARK: Symbols

    private mutating func addBytes(_ bytes: ArraySlice<UInt8>, _ symbols: [BytePairModel.Symbol]) {
        var unknowns = 0
        for byte in bytes {
            switch symbols[Int(byte)] {
            case .token(let id):
                addUnknown(&unknowns)
                tokens.append(id)
            case .missing: unknowns += 1
            }
        }
        addUnknown(&unknowns)
    }

    private mutating func addCharacters(
        _ text: ValidUTF8, _ word: Range<Int>, _ characters: CharacterTokens, _ byteTokens: [Int32?]
    ) {
        var unknowns = 0
        var position = word.lowerBound
        while position < word.upperBound {
            let (code, length) = text.character(at: position)
            let bytes = position..<position + length
            position += length
            if case .token(let id) = characters[code] {
                addUnknown(&unknowns)
                tokens.append(id)
            } else if !byteTokens.isEmpty, bytes.allSatisfy({ byteTokens[Int(text.bytes[$0])] != nil }) {
                // As in the library, unknown characters before stay pending, so that their token comes behind these.
                if unknowns > 1, !model.fusesUnknown { addUnknown(&unknowns, leaving: 1) }
                for index in bytes {
                    if let id = byteTokens[Int(text.bytes[index])] { tokens.append(id) }
                }
            } else {
                unknowns += 1
            }
        }
        addUnknown(&unknowns)
    }

    /// Adds the unknown tokens that are pending.
    private mutating func addUnknown(_ count: inout Int, leaving rest: Int = 0) {
        guard count > rest else { return }
        if let unknown = model.unknown {
            for _ in 0..<(model.fusesUnknown ? 1 : count - rest) { tokens.append(unknown) }
        }
        count = rest
    }

    // MARK: Short words

    private mutating func mergeShort() {
        guard tokens.count > 1 else { return }
        ranks.removeAll(keepingCapacity: true)
        for index in 1..<tokens.count {
            ranks.append(UInt32(bitPattern: model.pairs.rank(tokens[index - 1], tokens[index])))
        }
        while true {
            var lowest = Self.none
            var place = 0
            for (index, rank) in ranks.enumerated() where rank < lowest { (lowest, place) = (rank, index) }
            guard lowest != Self.none else { return }
            tokens[place] = model.merged[Int(lowest)]
            tokens.remove(at: place + 1)
            ranks.remove(at: place)
            if place > 0 {
                ranks[place - 1] = UInt32(bitPattern: model.pairs.rank(tokens[place - 1], tokens[place]))
            }
            if place < ranks.count {
                ranks[place] = UInt32(bitPattern: model.pairs.rank(tokens[place], tokens[place + 1]))
            }
        }
    }
}

/// Merges long words: a linked list of symbols beside a queue of the pairs that can merge, so that n symbols take
/// O(n log n).
private struct LongWordMerger {
    private var tokens: [Int32] = []
    /// The neighbours' indices; -1 at either end.
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// The rank of each symbol and its right neighbour; -1 where they do not merge or the symbol is gone.
    private var ranks: [Int32] = []
    private var queue = MergeQueue()

    /// Of symbols or merges, some milliseconds' work. The longest word that is remembered never gets so far.
    private static let stepsBetweenLooks = 16384

    mutating func merge(
        _ symbols: [Int32], by model: BytePairModel, to output: inout [Int32], control: CallControl?
    ) throws(LensError) {
        tokens.removeAll(keepingCapacity: true)
        tokens += symbols
        try mergeAll(model, control)
        var index: Int32 = 0
        while index >= 0 {
            output.append(tokens[Int(index)])
            index = next[Int(index)]
        }
    }

    private mutating func mergeAll(_ model: BytePairModel, _ control: CallControl?) throws(LensError) {
        let count = tokens.count
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        queue.removeAll()
        var steps = 0
        for index in 0..<count {
            steps += 1
            if steps.isMultiple(of: Self.stepsBetweenLooks) { try control?.check() }
            next.append(index + 1 < count ? Int32(truncatingIfNeeded: index + 1) : -1)
            previous.append(Int32(truncatingIfNeeded: index - 1))
            let rank = index + 1 < count ? model.pairs.rank(tokens[index], tokens[index + 1]) : -1
            ranks.append(rank)
            if rank >= 0 { queue.push(rank: rank, position: Int32(truncatingIfNeeded: index)) }
        }
        while let (rank, position) = queue.pop() {
            steps += 1
            if steps.isMultiple(of: Self.stepsBetweenLooks) { try control?.check() }
            // Entries whose pair has changed since are left in the queue and known by their rank.
            guard ranks[Int(position)] == rank else { continue }
            merge(at: Int(position), into: model.merged[Int(rank)], model.pairs)
        }
    }

    private mutating func merge(at position: Int, into token: Int32, _ pairs: PairTable) {
        let right = Int(next[position])
        tokens[position] = token
        ranks[right] = -1
        next[position] = next[right]
        if next[position] >= 0 { previous[Int(next[position])] = Int32(truncatingIfNeeded: position) }
        update(position, pairs)
        if previous[position] >= 0 { update(Int(previous[position]), pairs) }
    }

    /// Looks up a symbol's pair again and queues it.
    private mutating func update(_ position: Int, _ pairs: PairTable) {
        let right = Int(next[position])
        ranks[position] = right >= 0 ? pairs.rank(tokens[position], tokens[right]) : -1
        if ranks[position] >= 0 {
            queue.push(rank: ranks[position], position: Int32(truncatingIfNeeded: position))
        }
    }
}

/// A binary heap of merges, lowest rank first, then the leftmost.
private struct MergeQueue {
    /// Rank and position in one number, so that one comparison orders both.
    private var heap: [UInt64] = []

    mutating func removeAll() {
        heap.removeAll(keepingCapacity: true)
    }

    mutating func push(rank: Int32, position: Int32) {
        let entry = UInt64(UInt32(bitPattern: rank)) &<< 32 | UInt64(UInt32(bitPattern: position))
        var index = heap.count
        heap.append(entry)
        while index > 0 {
            let parent = (index - 1) / 2
            guard heap[parent] > entry else { break }
            heap[index] = heap[parent]
            index = parent
        }
        heap[index] = entry
    }

    mutating func pop() -> (rank: Int32, position: Int32)? {
        guard let top = heap.first, let entry = heap.popLast() else { return nil }
        if !heap.isEmpty {
            var index = 0
            while true {
                var child = 2 * index + 1
                guard child < heap.count else { break }
                if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
                guard heap[child] < entry else { break }
                heap[index] = heap[child]
                index = child
            }
            heap[index] = entry
        }
        return (Int32(truncatingIfNeeded: top &>> 32), Int32(truncatingIfNeeded: top))
    }
}
