import LensClient
import LensCore
import LensTerminal

extension LensConnection {
    /// The one activation that a query for a single prompt asks for.
    func activation(_ request: QueryRequest) async throws(LensError) -> Activation {
        guard let activation = try await query(request).first else {
            throw LensError(.internal, "the daemon answered a query without an activation")
        }
        return activation
    }
}

extension Activation {
    /// The values as numbers; token ids are exact up to 2^24.
    var values: [Float] { floats ?? integers?.map(Float.init) ?? [] }

    var isInteger: Bool { header.elementType == .int32 || header.elementType == .int64 }

    /// NumPy's name of the element type.
    var numpyType: String { header.elementType == .int32 ? "int32" : "float32" }

    /// Least, greatest and mean of the finite values, in one line.
    var statistics: StyledText {
        let values = values
        let finite = values.filter(\.isFinite)
        guard let least = finite.min(), let most = finite.max() else { return "" }
        let mean = finite.reduce(0.0) { $0 + Double($1) } / Double(finite.count)
        let facts = [("min", Double(least)), ("max", Double(most)), ("mean", mean)]
            .map { "\($0) \(DecimalText.fixed($1, 4))" }
        let others = values.count - finite.count
        return StyledText((facts + (others > 0 ? ["\(others) not finite"] : [])).joined(separator: "  "), .faint)
    }
}
