import FoundationEssentials
import Glibc

/// What HookedTransformer holds of one checkpoint in one form (`Tests/Fixtures/parameters.py`).
package struct ParameterRecord: Decodable, Sendable {
    package let checkpoint: String
    /// `processed` or `raw`.
    package let form: String
    package let parameters: [String: Parameter]

    package struct Parameter: Decodable, Sendable {
        package let shape: [Int]
        /// Σ x², and Σ x · cos at two paces over the row-major places.
        package let sums: [Double]
    }

    package static func all() throws -> [ParameterRecord] {
        try JSONDecoder().decode(
            [ParameterRecord].self, from: Data(Fixtures.bytes("parameters/reference.json")))
    }

    /// The sums of `Parameter` over some values.
    package static func sums(_ values: [Float]) -> [Double] {
        var sums = [0.0, 0.0, 0.0]
        for (place, value) in values.enumerated() {
            let value = Double(value)
            sums[0] += value * value
            sums[1] += value * cos(0.7 * Double(place))
            sums[2] += value * cos(0.0113 * Double(place) + 1)
        }
        return sums
    }
}
