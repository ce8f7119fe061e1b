import Glibc

/// The best head that does not look at the tokens.
///
/// Its pattern is `softmax(b[i − j])` over the sources `j ≥ 1` that destination `i` sees, with one more score for
/// `j = 0`. Of all such heads it is the one closest to the patterns (least mean `KL(pattern ‖ model)`). That is a
/// log-linear model, whose fit depends on the patterns through ``PositionSums`` alone: attention per distance and
/// destinations per position. So nothing but these sums is kept, however long the corpus.
///
/// The weights `w = exp(b)` are the fixed point of `w[d] = S[d] / Σ_i 1 / Z_i` over the destinations that see distance
/// `d`, where `S` is attention and `Z_i` a row's sum of weights; each step comes closer (Hunter, "MM algorithms for
/// generalized Bradley–Terry models", 2004).
package struct PositionModel: Sendable {
    /// `exp` of the score of each distance, and of the first position.
    private var weights: [Double]
    private var firstWeight: Double
    private let keys: VisibleKeys
    /// Sums of the weights of distances below each.
    private var prefix: [Double] = []
    /// The share of the structure that is explained, 0...1, measured on destinations it was not fitted on.
    private(set) var explained = 0.0

    /// How much even attention is mixed in, as a share of all destinations: distances that few have are not overfitted.
    private static let mixtures = [0.001, 0.01, 0.1, 1]
    private static let mostSteps = 100

    /// Fits the sums of all folds, with the mixture that does best on folds which were not fitted.
    ///
    /// - Parameter structure: the sum over all destinations of `KL(pattern ‖ even)`, in nats.
    init(folds: [PositionSums], keys: VisibleKeys, structure: Double) {
        let whole = folds.dropFirst().reduce(folds.first ?? PositionSums(length: 0)) { $0 + $1 }
        let even = Self.even(whole.rows, keys)
        self.init(even: whole, keys: keys)
        guard structure > 1e-9 * max(whole.rowCount, 1), whole.rowCount > 0 else { return }
        var best: (gain: Double, mixture: Double)?
        for mixture in Self.mixtures {
            var gain = 0.0
            for fold in folds where fold.rowCount > 0 {
                let rest = whole.without(fold)
                var model = PositionModel(even: whole, keys: keys)
                model.fit(rest, even: even, all: whole.rows, mixture: mixture)
                gain += model.gain(over: fold)
            }
            if gain > best?.gain ?? 0 { best = (gain, mixture) }
        }
        guard let best else { return }
        fit(whole, even: even, all: whole.rows, mixture: best.mixture)
        explained = min(max(best.gain / structure, 0), 1)
    }

    /// The head whose attention is even.
    private init(even sums: PositionSums, keys: VisibleKeys) {
        weights = Array(repeating: 1, count: sums.byDistance.count)
        if let window = keys.window {
            for distance in weights.indices where distance >= window { weights[distance] = 0 }
        }
        firstWeight = 1
        self.keys = keys
        sumWeights()
    }

    /// What position alone expects of a row: weights of the distances, the first position's, and their sum.
    func sum(ofRow row: Int) -> Double {
        let nearest = min(row - 1, (keys.window ?? .max) - 1)
        let distances = nearest >= 0 && nearest + 1 < prefix.count ? prefix[nearest + 1] : 0
        return max(distances + (keys.first(from: row) == 0 ? firstWeight : 0), .leastNormalMagnitude)
    }

    /// Fills in the attention that a destination at `row` gives by position, source by source.
    func write(row: Int, to values: inout [Float]) {
        let scale = 1 / sum(ofRow: row)
        let firstSeen = keys.first(from: row)
        for source in 0..<firstSeen { values[source] = 0 }
        for source in firstSeen...row {
            values[source] = Float((source == 0 ? firstWeight : weights[row - source]) * scale)
        }
    }

    // MARK: - Fitting

    /// Attention per distance and to the first position if all of it were even.
    private static func even(_ rows: [Double], _ keys: VisibleKeys) -> PositionSums {
        var sums = PositionSums(length: rows.count)
        sums.rows = rows
        for row in rows.indices where rows[row] > 0 {
            let share = rows[row] / Double(keys.count(from: row))
            let firstSeen = keys.first(from: row)
            if firstSeen == 0 { sums.first += share }
            for source in max(firstSeen, 1)..<max(row + 1, 1) { sums.byDistance[row - source] += share }
        }
        return sums
    }

    private mutating func fit(_ sums: PositionSums, even: PositionSums, all: [Double], mixture: Double) {
        let length = weights.count
        let wanted = sums.byDistance.indices.map { sums.byDistance[$0] + mixture * even.byDistance[$0] }
        let wantedFirst = sums.first + mixture * even.first
        let rows = sums.rows.indices.map { sums.rows[$0] + mixture * all[$0] }
        let firstCounted = CountedRows.first
        var last = -Double.infinity
        for step in 0..<Self.mostSteps {
            // `Σ N_i / Z_i` over destinations from each one on.
            var demand = Array(repeating: 0.0, count: length + 1)
            var demandOfFirst = 0.0
            for row in stride(from: length - 1, through: firstCounted, by: -1) {
                let share = rows[row] / sum(ofRow: row)
                demand[row] = demand[row + 1] + share
                if keys.first(from: row) == 0 { demandOfFirst += share }
            }
            for distance in 0..<length where weights[distance] > 0 {
                let from = max(distance + 1, firstCounted)
                let total = from <= length ? demand[from] : 0
                weights[distance] = total > 0 ? wanted[distance] / total : 0
            }
            firstWeight = demandOfFirst > 0 ? wantedFirst / demandOfFirst : 0
            sumWeights()
            // The likelihood is looked at now and then.
            guard step % 5 == 4 else { continue }
            let likelihood = likelihood(wanted, wantedFirst, rows)
            if likelihood - last < 1e-6 * max(sums.rowCount, 1) { return }
            last = likelihood
        }
    }

    private mutating func sumWeights() {
        prefix = [0]
        prefix.reserveCapacity(weights.count + 1)
        var total = 0.0
        for weight in weights {
            total += weight
            prefix.append(total)
        }
    }

    /// How many nats closer to the patterns than even attention this is, summed over their destinations.
    private func gain(over sums: PositionSums) -> Double {
        var gain = likelihood(sums.byDistance, sums.first, sums.rows)
        for row in sums.rows.indices where sums.rows[row] > 0 {
            gain += sums.rows[row] * log(Double(keys.count(from: row)))
        }
        return gain
    }

    /// `Σ attention · log(model)`
    private func likelihood(_ byDistance: [Double], _ first: Double, _ rows: [Double]) -> Double {
        var total = first > 0 ? first * log(max(firstWeight, .leastNormalMagnitude)) : 0
        for distance in byDistance.indices where byDistance[distance] > 0 {
            total += byDistance[distance] * log(max(weights[distance], .leastNormalMagnitude))
        }
        for row in rows.indices where rows[row] > 0 && row >= CountedRows.first {
            total -= rows[row] * log(sum(ofRow: row))
        }
        return total
    }

    /// About what it takes, in bytes.
    var byteCount: Int { 16 * weights.count + 64 }
}
