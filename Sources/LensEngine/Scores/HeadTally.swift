import Glibc
import LensCore

/// Sums up one head's patterns over prompts, in memory that does not grow with their number.
///
/// One thread at a time adds to a tally: within a layer each head's is another's.
package final class HeadTally: @unchecked Sendable {
    private let keys: VisibleKeys
    private var rows = 0
    private var prompts = 0
    private var toSelf = 0.0
    private var toPrevious = 0.0
    private var entropy = 0.0
    private var structure = 0.0
    /// Destinations whose token occurred before.
    private var repeatRows = 0
    private var toDuplicate = 0.0
    private var toInduction = 0.0
    private var evenDuplicate = 0.0
    private var evenInduction = 0.0
    /// Of the prompt under way.
    private var current = PromptSums()
    private var detectPrevious = 0.0
    private var detectDuplicate = 0.0
    private var detectInduction = 0.0
    /// Where attention goes by position, fold by fold.
    private(set) var positions: [PositionSums]

    /// What detect_head divides prompt by prompt.
    private struct PromptSums {
        var (all, previous, duplicates, inductions) = (0.0, 0.0, 0.0, 0.0)
    }

    /// - Parameter length: tokens of the longest prompt.
    package init(keys: VisibleKeys, length: Int) {
        self.keys = keys
        positions = Array(repeating: PositionSums(length: length), count: CountedRows.folds)
    }

    /// Takes in some rows of a prompt's pattern; those of a prompt come in their order, all of them.
    ///
    /// - Parameters:
    ///   - index: the prompt's number.
    ///   - pattern: `[pos, sourcePos]`, row-major, all of it.
    package func add(
        _ prompt: HeadPrompt, index: Int, pattern: UnsafeBufferPointer<Float>, rows range: Range<Int>
    ) {
        let length = prompt.length
        guard pattern.count == length * length, range.upperBound <= length else { return }
        if range.lowerBound == 0 { current = PromptSums() }
        for row in range {
            add(
                row, of: prompt, index: index,
                attention: UnsafeBufferPointer(rebasing: pattern[row * length..<(row + 1) * length]))
        }
        if range.upperBound == length { finish() }
    }

    private func add(_ row: Int, of prompt: HeadPrompt, index: Int, attention: UnsafeBufferPointer<Float>) {
        let earlier = prompt.earlier[row]
        // detect_head's target moves the duplicates one to the right; its column 0 is empty.
        let duplicate = earlier.reduce(0.0) { $0 + Double(attention[$1]) }
        let induction = earlier.reduce(0.0) { $0 + Double(attention[$1 + 1]) }
        current.duplicates += duplicate
        current.inductions += induction
        if row > 0 { current.previous += Double(attention[row - 1]) }
        guard row >= CountedRows.first else {
            current.all += attention[...row].reduce(0.0) { $0 + Double($1) }
            return
        }
        let (sum, nats) = addByPosition(row, index, attention)
        current.all += sum
        let visible = keys.count(from: row)
        rows += 1
        toSelf += Double(attention[row])
        toPrevious += Double(attention[row - 1])
        entropy += visible > 1 ? nats / log(Double(visible)) : 0
        structure += max(log(Double(visible)) - nats, 0)
        guard !earlier.isEmpty else { return }
        let first = keys.first(from: row)
        repeatRows += 1
        toDuplicate += duplicate
        toInduction += induction
        evenDuplicate += Double(earlier.count { $0 >= first }) / Double(visible)
        evenInduction += Double(earlier.count { $0 + 1 >= first }) / Double(visible)
    }

    /// Takes a row's attention in by position.
    ///
    /// - Returns: its sum and its entropy in nats.
    private func addByPosition(
        _ row: Int, _ index: Int, _ attention: UnsafeBufferPointer<Float>
    ) -> (sum: Double, nats: Double) {
        let fold = CountedRows.fold(prompt: index, row: row)
        let seen = keys.first(from: row)
        positions[fold].rows[row] += 1
        var (sum, nats) = (0.0, 0.0)
        if seen == 0, attention[0] > 0 {
            sum = Double(attention[0])
            nats = -Double(attention[0] * log(attention[0]))
            positions[fold].first += sum
        }
        // Millions of entries: the array is looked up once a row.
        positions[fold].byDistance.withUnsafeMutableBufferPointer { byDistance in
            for source in max(seen, 1)...row where attention[source] > 0 {
                let value = attention[source]
                sum += Double(value)
                nats -= Double(value * log(value))
                byDistance[row - source] += Double(value)
            }
        }
        return (sum, nats)
    }

    /// The end of a prompt.
    private func finish() {
        prompts += 1
        guard current.all > 0 else { return }
        detectPrevious += current.previous / current.all
        detectDuplicate += current.duplicates / current.all
        detectInduction += current.inductions / current.all
    }

    /// The scores; whatever has no destination is 0.
    package func scores(layer: Int, head: Int) -> (scores: HeadScores, model: PositionModel) {
        let whole = positions.dropFirst().reduce(positions[0]) { $0 + $1 }
        func mean(_ sum: Double, _ count: Int) -> Double { count == 0 ? 0 : sum / Double(count) }
        let (distance, toDistance) = whole.bestDistance
        let model = PositionModel(folds: positions, keys: keys, structure: structure)
        let scores = HeadScores(
            layer: layer, head: head, toSelf: mean(toSelf, rows), toPrevious: mean(toPrevious, rows),
            distance: distance, toDistance: toDistance, toFirst: mean(whole.first, rows),
            toDuplicate: mean(toDuplicate, repeatRows), toInduction: mean(toInduction, repeatRows),
            evenDuplicate: mean(evenDuplicate, repeatRows), evenInduction: mean(evenInduction, repeatRows),
            entropy: mean(entropy, rows), structure: mean(structure, rows), position: model.explained,
            detectPrevious: mean(detectPrevious, prompts), detectDuplicate: mean(detectDuplicate, prompts),
            detectInduction: mean(detectInduction, prompts))
        return (scores, model)
    }
}
