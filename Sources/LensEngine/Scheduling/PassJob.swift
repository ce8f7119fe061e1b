import LensCore
import LensModel

/// A piece of work for the engine's thread, done in steps so that others get their turn in between.
package protocol PassJob<Value>: AnyObject, SendableMetatype {
    associatedtype Value: Sendable

    /// What it will take, told before it begins.
    var cost: PassCost { get }

    /// How far it is; `nil` where nobody is told.
    var progress: PassProgress? { get }

    /// Does the next step.
    ///
    /// - Returns: the result when all is done, `nil` when there is more to do.
    func step(on compute: Compute) throws(LensError) -> Value?
}

extension PassJob {
    package var progress: PassProgress? { nil }
}

/// Parts done, of all.
package struct PassProgress: Sendable, Equatable {
    package var done: Int
    package var total: Int

    package init(done: Int, total: Int) {
        self.done = done
        self.total = total
    }
}

/// Which work goes first.
package enum Urgency: Sendable, Hashable {
    /// Somebody waits at the screen, and it is soon done.
    case urgent
    /// Sweeps and other work of its size.
    case long
}

/// What a job will take.
package struct PassCost: Sendable {
    /// Floating-point operations.
    package var operations: Double
    /// Of those, what is done before somebody sees something of it: whether that is soon decides what is urgent.
    package var firstOperations: Double
    /// Tokens that go through the model.
    package var rows: Int
    /// Bytes that it holds between two steps.
    package var bytes: Int
    /// Long whatever it takes: there are many of its kind, and nobody waits for one alone.
    package var isLong: Bool
    /// Goes on with a pass that is parked, which holds memory meanwhile.
    package var continues: Bool

    package init(
        operations: Double, firstOperations: Double? = nil, rows: Int, bytes: Int = 0, isLong: Bool = false,
        continues: Bool = false
    ) {
        self.operations = operations
        self.firstOperations = firstOperations ?? operations
        self.rows = rows
        self.bytes = bytes
        self.isLong = isLong
        self.continues = continues
    }
}

extension PassCost {
    /// Of passes over whole sequences.
    ///
    /// - Parameters:
    ///   - lengths: tokens of each sequence.
    ///   - layers: how many blocks they go through; all of them where it is left out.
    ///   - readRows: rows that meet the vocabulary.
    static func operations(
        _ configuration: ModelConfiguration, lengths: [Int], layers: Int? = nil, readRows: Int = 0
    ) -> Double {
        let rows = lengths.reduce(0.0) { $0 + Double($1) }
        let squares = lengths.reduce(0.0) { $0 + Double($1) * Double($1) }
        let block =
            2 * Double(configuration.weightsOfBlock) * rows
            + 4 * squares * Double(configuration.nHeads * configuration.dHead)
        let vocabulary = 2 * Double(configuration.dVocab) * Double(configuration.dModel)
        return block * Double(layers ?? configuration.nLayers) + vocabulary * Double(readRows)
    }
}

extension PassSubject {
    /// Operations of a pass over some prompts; all of them where they are left out.
    ///
    /// - Parameter readRows: rows that meet the vocabulary.
    func operations(prompts: [Int]? = nil, layers: Int? = nil, readRows: Int = 0) -> Double {
        let lengths = (prompts ?? Array(recipe.tokens.indices)).map { recipe.tokens[$0].count }
        return PassCost.operations(configuration, lengths: lengths, layers: layers, readRows: readRows)
    }

    /// Tokens of all prompts.
    var rowCount: Int { recipe.tokens.reduce(0) { $0 + $1.count } }
}
