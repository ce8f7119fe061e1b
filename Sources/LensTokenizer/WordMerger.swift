/// Merges the bytes of words to tokens, the pair of lowest rank first, the leftmost of equals first.
///
/// A word is a linked list of symbols beside a queue of the pairs that can merge, so that a word of n bytes takes
/// O(n log n). Holds the memory that one word after another is merged in.
struct WordMerger {
    private let model: BytePairModel
    private var tokens: [Int32] = []
    /// The neighbours' indices; -1 at either end.
    private var next: [Int32] = []
    private var previous: [Int32] = []
    /// The rank of each symbol and its right neighbour; -1 where they do not merge or the symbol is gone.
    private var ranks: [Int32] = []
    private var queue = MergeQueue()

    init(_ model: BytePairModel) {
        self.model = model
    }

    /// Appends the tokens of a word.
    mutating func append(_ word: ArraySlice<UInt8>, to output: inout [Int32]) {
        setSymbols(of: word)
        if tokens.count > 1 {
            mergeAll()
            var index: Int32 = 0
            while index >= 0 {
                output.append(tokens[Int(index)])
                index = next[Int(index)]
            }
        } else {
            output += tokens
        }
    }

    private mutating func setSymbols(of word: ArraySlice<UInt8>) {
        tokens.removeAll(keepingCapacity: true)
        var isAfterUnknown = false
        for byte in word {
            switch model.symbols[Int(byte)] {
            case .token(let id):
                tokens.append(id)
                isAfterUnknown = false
            case .unknown(let id):
                if !(isAfterUnknown && model.fusesUnknown) { tokens.append(id) }
                isAfterUnknown = true
            case .none: break
            }
        }
    }

    private mutating func mergeAll() {
        let count = tokens.count
        next.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        ranks.removeAll(keepingCapacity: true)
        queue.removeAll()
        for index in 0..<count {
            next.append(index + 1 < count ? Int32(truncatingIfNeeded: index + 1) : -1)
            previous.append(Int32(truncatingIfNeeded: index - 1))
            let rank = index + 1 < count ? model.pairs.rank(tokens[index], tokens[index + 1]) : -1
            ranks.append(rank)
            if rank >= 0 { queue.push(rank: rank, position: Int32(truncatingIfNeeded: index)) }
        }
        while let (rank, position) = queue.pop() {
            // Entries whose pair has changed since are left in the queue and known by their rank.
            guard ranks[Int(position)] == rank else { continue }
            merge(at: Int(position), rank: Int(rank))
        }
    }

    private mutating func merge(at position: Int, rank: Int) {
        let right = Int(next[position])
        tokens[position] = model.merged[rank]
        ranks[right] = -1
        next[position] = next[right]
        if next[position] >= 0 { previous[Int(next[position])] = Int32(truncatingIfNeeded: position) }
        update(position)
        if previous[position] >= 0 { update(Int(previous[position])) }
    }

    /// Looks up a symbol's pair again and queues it.
    private mutating func update(_ position: Int) {
        let right = Int(next[position])
        ranks[position] = right >= 0 ? model.pairs.rank(tokens[position], tokens[right]) : -1
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
