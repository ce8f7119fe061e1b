import Glibc
import LensCore

/// Scores one head's pattern against the simple kinds of heads.
///
/// Shares of attention are means over destinations from the third position on: there, the query's own position, the one
/// before it and the first one are three different places. `detect_head`'s scores are over the whole pattern, as
/// TransformerLens's `head_detector` computes them with its default error measure `mul`.
struct HeadPatternScores {
    /// Earlier occurrences of each position's token.
    private let earlier: [[Int]]
    private let length: Int

    init(tokens: [Int32]) {
        length = tokens.count
        var seen: [Int32: [Int]] = [:]
        earlier = tokens.enumerated().map { position, token in
            defer { seen[token, default: []].append(position) }
            return seen[token] ?? []
        }
    }

    /// - Parameter pattern: `[pos, sourcePos]`, row-major.
    func scores(layer: Int, head: Int, pattern: UnsafeBufferPointer<Float>) -> HeadScores {
        func weight(_ destination: Int, _ source: Int) -> Double { Double(pattern[destination * length + source]) }
        let destinations = Array(stride(from: 2, to: length, by: 1))
        let repeats = (0..<length).filter { !earlier[$0].isEmpty }
        let (distance, toDistance) = bestDistance(weight)
        return HeadScores(
            layer: layer, head: head,
            toSelf: mean(destinations) { weight($0, $0) },
            toPrevious: mean(destinations) { weight($0, $0 - 1) },
            distance: distance, toDistance: toDistance,
            toFirst: mean(destinations) { weight($0, 0) },
            toDuplicate: mean(repeats) { row in earlier[row].reduce(0) { $0 + weight(row, $1) } },
            toInduction: mean(repeats) { row in earlier[row].reduce(0) { $0 + weight(row, $1 + 1) } },
            entropy: mean(destinations) { row in
                let bits = (0...row).reduce(0.0) { total, source in
                    let value = weight(row, source)
                    return value > 0 ? total - value * log(value) : total
                }
                return bits / log(Double(row + 1))
            },
            detectPrevious: share(weight, of: (0..<length).flatMap { row in row > 0 ? [(row, row - 1)] : [] }),
            detectDuplicate: share(weight, of: repeats.flatMap { row in earlier[row].map { (row, $0) } }),
            // detect_head's target moves the duplicates one to the right; its column 0 is empty.
            detectInduction: share(
                weight, of: repeats.flatMap { row in earlier[row].map { (row, $0 + 1) } }))
    }

    /// The distance of at least 2 that gets most attention, over destinations whose source is not the first position.
    private func bestDistance(_ weight: (Int, Int) -> Double) -> (Int, Double) {
        var best = (0, 0.0)
        // A distance that only a few destinations have says little.
        for distance in stride(from: 2, to: max(length - 4, 2), by: 1) {
            let share = mean(Array(distance + 1..<length)) { weight($0, $0 - distance) }
            if share > best.1 { best = (distance, share) }
        }
        return best
    }

    private func mean(_ destinations: [Int], _ value: (Int) -> Double) -> Double {
        destinations.isEmpty ? 0 : destinations.reduce(0) { $0 + value($1) } / Double(destinations.count)
    }

    /// What part of all attention lies on the targets.
    private func share(_ weight: (Int, Int) -> Double, of targets: [(Int, Int)]) -> Double {
        var total = 0.0
        for row in 0..<length {
            for column in 0..<length { total += weight(row, column) }
        }
        return total == 0 ? 0 : targets.reduce(0) { $0 + weight($1.0, $1.1) } / total
    }
}

extension [HeadScores] {
    /// The mean over prompts of the scores of one head; the distance is the one that most prompts agree on.
    var averaged: HeadScores? {
        guard var result = first else { return nil }
        func mean(_ path: KeyPath<HeadScores, Double>) -> Double {
            reduce(0) { $0 + $1[keyPath: path] } / Double(count)
        }
        let votes = Dictionary(grouping: self, by: \.distance).mapValues { scores in
            scores.reduce(0) { $0 + $1.toDistance }
        }
        if let (distance, total) = votes.max(by: { ($0.value, $1.key) < ($1.value, $0.key) }) {
            result.distance = distance
            result.toDistance = total / Double(count)
        }
        result.toSelf = mean(\.toSelf)
        result.toPrevious = mean(\.toPrevious)
        result.toFirst = mean(\.toFirst)
        result.toDuplicate = mean(\.toDuplicate)
        result.toInduction = mean(\.toInduction)
        result.entropy = mean(\.entropy)
        result.detectPrevious = mean(\.detectPrevious)
        result.detectDuplicate = mean(\.detectDuplicate)
        result.detectInduction = mean(\.detectInduction)
        return result
    }
}
