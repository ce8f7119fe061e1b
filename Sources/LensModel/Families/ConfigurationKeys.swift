import LensCheckpoint
import LensCore

/// The keys of a `config.json`, read with the bounds that every real model keeps: no product of sizes overflows.
struct ConfigurationKeys {
    private let keys: JSONObject

    private static let layers = 1...1024
    private static let widths = 1...(1 << 20)
    private static let vocabulary = 1...(1 << 24)

    init(_ keys: JSONObject) { self.keys = keys }

    /// A member that must be there.
    func required(_ key: String) throws(LensError) -> JSONValue { try keys.required(key) }

    /// A member that may be absent or null.
    func optional(_ key: String) -> JSONValue? { keys.optional(key) }

    /// The entries of `architectures`, four at most.
    func architectures() throws(LensError) -> [String] {
        var names: [String] = []
        guard !lacks("architectures") else {
            var type = ""
            if let value = optional("model_type") { type = " (model_type is '\(try value.excerpt())')" }
            throw .invalidArgument(
                "config.json lacks the key 'architectures'\(type); expected one of "
                    + ModelFamilies.architectures.joined(separator: ", "))
        }
        try required("architectures").forEachElement { element throws(LensError) in
            if names.count < 4 { names.append(try element.excerpt()) }
        }
        return names
    }

    /// Whether a key is not there at all, which may mean another thing than null: the default of transformers' class.
    func lacks(_ key: String) -> Bool { keys.members[key] == nil }

    // MARK: - Sizes

    /// A number of layers.
    func layers(_ key: String) throws(LensError) -> Int { try required(key).integer(in: Self.layers) }

    /// A width, a number of heads, of positions.
    func width(_ key: String) throws(LensError) -> Int { try required(key).integer(in: Self.widths) }

    /// A width that may be absent.
    func optionalWidth(_ key: String) throws(LensError) -> Int? { try optional(key)?.integer(in: Self.widths) }

    /// A number of tokens.
    func vocabulary(_ key: String = "vocab_size") throws(LensError) -> Int {
        try required(key).integer(in: Self.vocabulary)
    }

    /// A width divided among heads.
    ///
    /// - Parameter heads: the key of their number, which is over zero.
    func headWidth(_ key: String, heads: String) throws(LensError) -> Int {
        let count = try width(heads)
        let whole = try width(key)
        guard whole.isMultiple(of: count) else {
            throw try required(key).error("must be divisible by \(heads) \(count); received \(whole)")
        }
        return whole / count
    }

    // MARK: - Choices

    /// A norm's epsilon.
    func epsilon(_ key: String) throws(LensError) -> Float {
        let value = try required(key)
        let eps = Float(try value.double())
        guard eps > 0, eps <= 1 else { throw value.error("must be over 0 and at most 1; received \(eps)") }
        return eps
    }

    /// A number over zero, `nil` where it is null.
    ///
    /// - Parameter standard: what is meant where the key is absent.
    func positive(_ key: String, default standard: Double? = nil) throws(LensError) -> Double? {
        guard !lacks(key) else { return standard }
        guard let value = optional(key) else { return nil }
        let number = try value.double()
        guard number > 0 else { throw value.error("must be positive; received \(number)") }
        return number
    }

    func flag(_ key: String, default standard: Bool) throws(LensError) -> Bool {
        try optional(key)?.bool() ?? standard
    }

    /// Refuses a flag that asks for what is not there.
    ///
    /// - Parameter value: the one that is supported, and meant where the key is absent.
    func expect(_ key: String, _ value: Bool) throws(LensError) {
        guard let found = optional(key), try found.bool() != value else { return }
        throw found.error("\(!value) is not supported; expected \(value)", code: .unimplemented)
    }

    /// An activation function by its name in transformers.
    func activation(_ key: String) throws(LensError) -> ActivationFunction {
        let value = try required(key)
        let name = try value.string()
        // Names of the same functions that TransformerLens does not have.
        let synonyms = ["swish": ActivationFunction.silu, "gelu_python": .gelu]
        let known = ActivationFunction.allCases.filter { !$0.rawValue.hasPrefix("solu") }
        if let function = known.first(where: { $0.rawValue == name }) ?? synonyms[name] { return function }
        let names = known.map { "'\($0.rawValue)'" }.joined(separator: ", ")
        throw value.error("'\(try value.excerpt())' is not supported; expected one of \(names)", code: .unimplemented)
    }
}
