import Glibc
import LensCheckpoint
import LensCore

/// What the tests of families found, a JSON object a line, in the file that `LENS_FAMILY_RESULTS` names; README's table
/// is made from it (`make families`).
package enum FamilyResults {
    /// Appends a result where a file is asked for.
    ///
    /// - Parameters:
    ///   - checkpoint: the folder below `Tests/Fixtures`.
    ///   - column: what was compared.
    ///   - worst: the largest difference from the reference; NaN says that something is wrong altogether.
    ///   - count: how many numbers were compared.
    package static func record(_ checkpoint: String, _ column: String, worst: Float, count: Int) throws {
        guard path != nil else { return }
        var architecture = ""
        let keys = try NamedBytes(name: "config.json", bytes: Fixtures.bytes("\(checkpoint)/config.json")).object()
        try keys.required("architectures").forEachElement { element throws(LensError) in
            architecture = try element.string()
        }
        try append(
            #""architecture":"\#(architecture)","checkpoint":"\#(checkpoint)","column":"\#(column)""#,
            worst: worst, count: count)
    }

    /// Appends what was found of a family's tokenizer, by the name that its fixtures have.
    package static func record(tokenizer: String, isEqual: Bool, count: Int) throws {
        try append(
            #""tokenizer":"\#(tokenizer)","column":"tokenizer""#, worst: isEqual ? 0 : .nan, count: count)
    }

    private static var path: String? { getenv("LENS_FAMILY_RESULTS").map { String(cString: $0) } }

    private static func append(_ members: String, worst: Float, count: Int) throws {
        guard let path else { return }
        guard let file = fopen(path, "a") else { throw LensError(.internal, "cannot write \(path)") }
        defer { fclose(file) }
        let line = #"{\#(members),"count":\#(count),"worst":\#(worst.isFinite ? "\(worst)" : "null")}"# + "\n"
        guard fputs(line, file) >= 0 else { throw LensError(.internal, "cannot write \(path)") }
    }
}

/// The largest difference of two lists of numbers; infinity where their counts or their infinities differ.
package func largestDifference(_ found: [Float], from expected: [Float]) -> Float {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).reduce(0) { worst, pair in
        if pair.0 == pair.1 || pair.0.isNaN && pair.1.isNaN { return worst }
        let difference = abs(pair.0 - pair.1)
        return difference.isNaN ? .infinity : max(worst, difference)
    }
}
