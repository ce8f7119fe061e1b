import LensCore
import LensModel
import LensTensor

/// Gets a parameter ready: the means that centring takes off its entries.
final class PrepareParameterJob: PassJob {
    private let parameter: ModelParameter

    init(_ parameter: ModelParameter) { self.parameter = parameter }

    var cost: PassCost { PassCost(operations: 2 * Double(parameter.shape.reduce(1, *)), rows: 0) }

    func step(on compute: Compute) throws(LensError) -> PreparedParameter? {
        try PreparedParameter(parameter, on: compute)
    }
}

/// Makes some entries of a parameter's first axis.
final class ParameterEntriesJob: PassJob {
    private let prepared: PreparedParameter
    private let entries: Range<Int>

    init(_ prepared: PreparedParameter, entries: Range<Int>) {
        self.prepared = prepared
        self.entries = entries
    }

    // Moving a number takes about as long as multiplying some.
    var cost: PassCost {
        PassCost(
            operations: 16 * Double(prepared.parameter.entryWidth * entries.count), rows: 0, continues: true)
    }

    func step(on compute: Compute) throws(LensError) -> Tensor? {
        try prepared.entries(entries, on: compute)
    }
}
