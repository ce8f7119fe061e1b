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
    private var detectPrevious = 0.0
    private var detectDuplicate = 0.0
    private var detectInduction = 0.0
    /// Where attention goes by position, fold by fold.
    private(set) var positions: [PositionSums]

    /// - Parameter length: tokens of the longest prompt.
    package init(keys: VisibleKeys, length: Int) {
        self.keys = keys
        positions = Array(repeating: PositionSums(length: length), count: CountedRows.folds)
    }

    /// - Parameters:
    ///   - index: the prompt's number.
    ///   - pattern: `[pos, sourcePos]`, row-major.
    package func add(_ prompt: HeadPrompt, index: Int, pattern: UnsafeBufferPointer<Float>) {
        let length = prompt.length
        guard pattern.count == length * length else { return }
        func weight(_ row: Int, _ source: Int) -> Double { Double(pattern[row * length + source]) }
        var (all, previous, duplicates, inductions) = (0.0, 0.0, 0.0, 0.0)
        for row in 0..<length {
            let earlier = prompt.earlier[row]
            // detect_head's target moves the duplicates one to the right; its column 0 is empty.
            let duplicate = earlier.reduce(0) { $0 + weight(row, $1) }
            let induction = earlier.reduce(0) { $0 + weight(row, $1 + 1) }
            duplicates += duplicate
            inductions += induction
            if row > 0 { previous += weight(row, row - 1) }
            let isCounted = row >= CountedRows.first
            let (sum, nats) = isCounted ? add(row, index, pattern, length) : plainSum(row, pattern, length)
            all += sum
            guard isCounted else { continue }
            let visible = keys.count(from: row)
            rows += 1
            toSelf += weight(row, row)
            toPrevious += weight(row, row - 1)
            entropy += visible > 1 ? nats / log(Double(visible)) : 0
            structure += max(log(Double(visible)) - nats, 0)
            guard !earlier.isEmpty else { continue }
            let first = keys.first(from: row)
            repeatRows += 1
            toDuplicate += duplicate
            toInduction += induction
            evenDuplicate += Double(earlier.count { $0 >= first }) / Double(visible)
            evenInduction += Double(earlier.count { $0 + 1 >= first }) / Double(visible)
        }
        prompts += 1
        guard all > 0 else { return }
        detectPrevious += previous / all
        detectDuplicate += duplicates / all
        detectInduction += inductions / all
    }

    private func plainSum(
        _ row: Int, _ pattern: UnsafeBufferPointer<Float>, _ length: Int
    ) -> (sum: Double, nats: Double) {
        ((0...row).reduce(0) { $0 + Double(pattern[row * length + $1]) }, 0)
    }

    /// Takes a row's attention in by position.
    ///
    /// - Returns: its sum and its entropy in nats.
    private func add(
        _ row: Int, _ index: Int, _ pattern: UnsafeBufferPointer<Float>, _ length: Int
    ) -> (sum: Double, nats: Double) {
        var (sum, nats) = (0.0, 0.0)
        let fold = CountedRows.fold(prompt: index, row: row)
        positions[fold].rows[row] += 1
        for source in keys.first(from: row)...row {
            let value = pattern[row * length + source]
            guard value > 0 else { continue }
            sum += Double(value)
            nats -= Double(value * log(value))
            if source == 0 {
                positions[fold].first += Double(value)
            } else {
                positions[fold].byDistance[row - source] += Double(value)
            }
        }
        return (sum, nats)
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
