import LensCore
import LensModel
import LensTensor

/// The cells of a head's scores that are asked for, and what each is the sum of.
struct SplitCells {
    let question: ScoreSplitJob.Question
    let shape: AttentionShape
    /// Positions of the prompt.
    let length: Int

    private var cellCount: Int { question.destinations.count * question.sources.count }

    /// - Parameters:
    ///   - positions: which positions the rows of queries and keys are.
    ///   - scores: `[head, pos, sourcePos]`
    ///   - pattern: `[head, pos, sourcePos]`
    func outcome(
        _ parts: QueryKeyParts.Finished, positions: [Int], scores: Tensor, pattern: Tensor, on compute: Compute
    ) throws(LensError) -> ScoreSplitJob.Outcome {
        let places = Dictionary(uniqueKeysWithValues: positions.enumerated().map { ($1, $0) })
        let queries = parts.queries.pickingRows(question.destinations.compactMap { places[$0] })
        let keys = parts.keys.pickingRows(question.sources.compactMap { places[$0] })
        let products = try compute.pool.multiplyPairs(queries, keys, control: compute.control)
        var terms = products.values
        let means = question.isRelative ? meanKeys(parts.keys, places) : nil
        let components = parts.components.count
        for pair in 0..<components * components {
            try compute.control.check()
            for (row, destination) in question.destinations.enumerated() {
                let visible = shape.visible(from: destination)
                var shift: Float = 0
                if let means {
                    shift = dot(
                        queries, (pair / components) * question.destinations.count + row, means,
                        (pair % components) * question.destinations.count + row)
                }
                let first = (pair * question.destinations.count + row) * question.sources.count
                for (column, source) in question.sources.enumerated() {
                    terms[first + column] = visible.contains(source) ? terms[first + column] - shift : 0
                }
            }
        }
        var outcome = ScoreSplitJob.Outcome(
            components: parts.components, scores: cells(of: scores), pattern: cells(of: pattern), terms: terms,
            positionBias: positionBias, top: largest(terms, of: parts.components))
        if question.isRelative { subtractMeans(of: scores, from: &outcome.scores) }
        if question.partDetail != question.detail { group(&outcome) }
        return outcome
    }

    // MARK: - Cells

    /// `[destination, source]` of a square.
    private func cells(of square: Tensor) -> [Float] {
        square.withPointer { values in
            question.destinations.flatMap { destination in
                let row = values + (question.head * length + destination) * length
                return question.sources.map { row[$0] }
            }
        }
    }

    private func subtractMeans(of scores: Tensor, from cells: inout [Float]) {
        scores.withPointer { values in
            for (row, destination) in question.destinations.enumerated() {
                let visible = shape.visible(from: destination)
                let own = values + (question.head * length + destination) * length
                let mean = Float(visible.reduce(0.0) { $0 + Double(own[$1]) } / Double(visible.count))
                for column in question.sources.indices { cells[row * question.sources.count + column] -= mean }
            }
        }
    }

    /// What ALiBi adds; empty without.
    private var positionBias: [Float] {
        guard shape.slopes.indices.contains(question.head) else { return [] }
        let slope = shape.slopes[question.head]
        return question.destinations.flatMap { destination in
            let visible = shape.visible(from: destination)
            let mean = question.isRelative ? Float(destination) - Float(visible.lowerBound + destination) / 2 : 0
            return question.sources.map { source in
                visible.contains(source) ? -slope * (Float(destination - source) - mean) : 0
            }
        }
    }

    // MARK: - Means

    /// Per component, for each destination the mean of the keys that it sees: `[component, destination, dHead]`.
    private func meanKeys(_ keys: Tensor, _ places: [Int: Int]) -> Tensor {
        let (components, rows, width) = (keys.shape[0], keys.shape[1], keys.shape[2])
        let destinations = question.destinations
        var means = Tensor(zeros: [components, destinations.count, width])
        means.withMutablePointer { means in
            keys.withPointer { keys in
                for component in 0..<components {
                    for (index, destination) in destinations.enumerated() {
                        let target = means + (component * destinations.count + index) * width
                        let visible = shape.visible(from: destination)
                        for source in visible {
                            let key = keys + (component * rows + (places[source] ?? 0)) * width
                            for column in 0..<width { target[column] += key[column] }
                        }
                        for column in 0..<width { target[column] /= Float(visible.count) }
                    }
                }
            }
        }
        return means
    }

    private func dot(_ a: Tensor, _ rowA: Int, _ b: Tensor, _ rowB: Int) -> Float {
        let width = a.shape[2]
        return a.withPointer { a in
            b.withPointer { b in
                (0..<width).reduce(Float(0)) { $0 + a[rowA * width + $1] * b[rowB * width + $1] }
            }
        }
    }

    // MARK: - Components

    private func largest(_ terms: [Float], of components: [ResidualComponent]) -> [ScorePair] {
        guard question.topCount > 0, cellCount == 1 else { return [] }
        return terms.indices.sorted { abs(terms[$0]) > abs(terms[$1]) }.prefix(question.topCount).map { index in
            ScorePair(
                query: components[index / components.count], key: components[index % components.count],
                value: terms[index])
        }
    }

    /// Adds up what the request does not tell apart.
    private func group(_ outcome: inout ScoreSplitJob.Outcome) {
        let groups = outcome.components.map { question.detail.group(of: $0) }
        var order: [ResidualComponent] = []
        for group in groups where !order.contains(group) { order.append(group) }
        let places = groups.map { order.firstIndex(of: $0) ?? 0 }
        var terms = [Float](repeating: 0, count: order.count * order.count * cellCount)
        for (query, queryPlace) in places.enumerated() {
            for (key, keyPlace) in places.enumerated() {
                let from = (query * places.count + key) * cellCount
                let to = (queryPlace * order.count + keyPlace) * cellCount
                for cell in 0..<cellCount { terms[to + cell] += outcome.terms[from + cell] }
            }
        }
        outcome.components = order
        outcome.terms = terms
    }
}

extension Tensor {
    /// Of `[part, row, width]` some rows of every part.
    fileprivate func pickingRows(_ rows: [Int]) -> Tensor {
        let (parts, count, width) = (shape[0], shape[1], shape[2])
        let wanted = (0..<parts).flatMap { part in rows.map { part * count + $0 } }
        return reshaped([parts * count, width]).gathering(wanted).reshaped([parts, rows.count, width])
    }
}
