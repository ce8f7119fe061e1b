import Glibc
import LensCore
import LensModel
import LensTensor

/// Reduces activations as passes come by them, one prompt's pass a step.
final class ReductionJob: PassJob {
    /// One reduction of one point.
    struct Item: Sendable {
        /// Which of the request's.
        var reduction: Int
        var kind: Reduction.Kind
        var point: HookPoint
        var offset: Int
        var count: Int
    }

    private let subject: PassSubject
    private let items: [Item]
    private let points: [HookPoint]
    private var prompts: ArraySlice<Int>
    private var finished: [[ReducedActivation]] = []

    init(_ subject: PassSubject, _ items: [Item]) {
        self.subject = subject
        self.items = items
        points = Set(items.map(\.point)).sorted()
        prompts = Array(subject.recipe.tokens.indices)[...]
    }

    var cost: PassCost {
        let readRows = points.contains { $0.kind == .logits } ? subject.rowCount : 0
        return subject.costOneByOne(readRows: readRows)
    }

    func step(on compute: Compute) throws(LensError) -> Outcome? {
        if let prompt = prompts.popFirst() {
            let (batch, sequence) = subject.batch(of: prompt)
            var state = try subject.begin(prompts: batch)
            var found: [Int: ReducedActivation] = [:]
            try subject.visit(points, in: &state, of: batch, on: compute) { (state) throws(LensError) in
                for (index, item) in items.enumerated() where item.point == state.point {
                    found[index] = try item.reduce(state.activation(of: sequence), control: compute.control)
                }
            }
            finished.append(items.indices.compactMap { found[$0] })
        }
        return prompts.isEmpty ? Outcome(prompts: finished) : nil
    }

    struct Outcome: KeptAnswer {
        /// Per prompt.
        var prompts: [[ReducedActivation]]

        func copied() -> Outcome { Outcome(prompts: prompts.map { $0.copied() }) }

        var byteCount: Int {
            prompts.joined().reduce(0) {
                $0 + 4 * $1.values.count + 8 * ($1.indices.count + $1.shape.count) + 128
            }
        }
    }
}

extension ReductionJob.Item {
    /// The shape of what becomes of an activation.
    func shape(of activation: [Int]) -> [Int] {
        switch kind {
        case .entropy, .norm: Array(activation.dropLast())
        case .mean, .max: activation.enumerated().filter { $0.offset != positionAxis }.map(\.element)
        case .diagonal: [activation[0], max(activation[1] + offset, 0)]
        case .diagonalMean: [activation[0]]
        case .top: [min(count, activation.reduce(1, *))]
        }
    }

    private var positionAxis: Int {
        point.kind.axes.firstIndex { if case .pos = $0 { true } else { false } } ?? 0
    }

    func reduce(_ activation: Tensor, control: CallControl) throws(LensError) -> ReducedActivation {
        try control.check()
        var reduced = ReducedActivation(
            hook: point.name, reduction: reduction, shape: shape(of: activation.shape), values: [])
        switch kind {
        case .entropy: reduced.values = try overLastAxis(of: activation, control: control, Self.entropy)
        case .norm: reduced.values = try overLastAxis(of: activation, control: control, Self.norm)
        case .mean, .max: reduced.values = try overPositions(activation, control: control)
        case .diagonal, .diagonalMean: reduced.values = diagonals(of: activation)
        case .top:
            reduced.indices = try largest(of: activation, control: control)
            reduced.values = activation.withPointer { values in reduced.indices.map { values[$0] } }
        }
        return reduced
    }

    // MARK: - The last axis

    private func overLastAxis(
        of activation: Tensor, control: CallControl, _ body: (UnsafeBufferPointer<Float>) -> Float
    ) throws(LensError) -> [Float] {
        let width = activation.shape.last ?? 1
        var result: [Float] = []
        result.reserveCapacity(activation.count / max(width, 1))
        for row in 0..<activation.count / max(width, 1) {
            if row & 255 == 0 { try control.check() }
            result.append(
                activation.withPointer { body(UnsafeBufferPointer(start: $0 + row * width, count: width)) })
        }
        return result
    }

    private static func entropy(_ row: UnsafeBufferPointer<Float>) -> Float {
        Float(row.reduce(0.0) { $1 > 0 ? $0 - Double($1) * log(Double($1)) : $0 })
    }

    private static func norm(_ row: UnsafeBufferPointer<Float>) -> Float {
        Float(row.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot())
    }

    // MARK: - Positions

    private func overPositions(_ activation: Tensor, control: CallControl) throws(LensError) -> [Float] {
        let shape = activation.shape
        let outer = shape[..<positionAxis].reduce(1, *)
        let positions = shape[positionAxis]
        let inner = shape[(positionAxis + 1)...].reduce(1, *)
        var result = [Float](repeating: 0, count: outer * inner)
        var sums = [Double](repeating: 0, count: inner)
        for block in 0..<outer {
            for index in sums.indices { sums[index] = kind == .max ? -.infinity : 0 }
            for position in 0..<positions {
                if position & 63 == 0 { try control.check() }
                activation.withPointer { values in
                    let row = values + (block * positions + position) * inner
                    for index in 0..<inner {
                        sums[index] =
                            kind == .max
                            ? Swift.max(sums[index], Double(row[index])) : sums[index] + Double(row[index])
                    }
                }
            }
            let divisor = kind == .max ? 1 : Double(positions)
            for index in 0..<inner { result[block * inner + index] = Float(sums[index] / divisor) }
        }
        return result
    }

    private func diagonals(of activation: Tensor) -> [Float] {
        let (heads, length) = (activation.shape[0], activation.shape[1])
        return activation.withPointer { values in
            (0..<heads).flatMap { head in
                let entries = stride(from: -offset, to: length, by: 1).map { destination in
                    values[(head * length + destination) * length + destination + offset]
                }
                guard kind == .diagonalMean else { return entries }
                return [
                    Float(entries.reduce(0.0) { $0 + Double($1) } / Double(Swift.max(entries.count, 1)))
                ]
            }
        }
    }

    // MARK: - Entries

    /// Indices of the entries with the largest absolute value, the largest first.
    private func largest(of activation: Tensor, control: CallControl) throws(LensError) -> [Int] {
        var best: [Int] = []
        // Of a whole vocabulary at every position it takes a while.
        let block = 1 << 16
        for first in stride(from: 0, to: activation.count, by: block) {
            try control.check()
            activation.withPointer { values in
                for index in first..<min(first + block, activation.count) { keep(index, in: &best, of: values) }
            }
        }
        return best
    }

    /// Puts an entry among the largest, where it belongs to them; of equal ones the first come stay in front.
    private func keep(_ index: Int, in best: inout [Int], of values: UnsafePointer<Float>) {
        let size = abs(values[index])
        if best.count == count, let last = best.last {
            guard size > abs(values[last]) else { return }
            best.removeLast()
        }
        var (low, high) = (0, best.count)
        while low < high {
            let middle = (low + high) / 2
            if abs(values[best[middle]]) >= size { low = middle + 1 } else { high = middle }
        }
        best.insert(index, at: low)
    }
}
