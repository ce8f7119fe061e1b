import LensCore
import LensModel
import LensTokenizer

/// A resident model under its registered name.
public struct RegisteredModel: Sendable {
    public let name: String
    public let model: LanguageModel

    /// - Throws: `INVALID_ARGUMENT` for a name that is not `[a-z0-9._-]{1,64}`.
    public init(name: String, model: LanguageModel) throws(LensError) {
        try ModelReference.check(name: name)
        self.name = name
        self.model = model
    }
}

/// The resident models, in the order in which they were registered; the first is the default.
public struct ModelRegistry: Sendable {
    private let models: [RegisteredModel]

    /// - Throws: `ALREADY_EXISTS` where two models have one name.
    public init(_ models: [RegisteredModel]) throws(LensError) {
        for (index, model) in models.enumerated() where models[..<index].contains(where: { $0.name == model.name }) {
            throw LensError(.alreadyExists, "two models are named '\(model.name)'")
        }
        self.models = models
    }

    /// - Throws: `NOT_FOUND` naming the models there are.
    public func model(for reference: ModelReference) throws(LensError) -> RegisteredModel {
        guard let name = reference.name else {
            guard let first = models.first else { throw .notFound("no model is resident") }
            return first
        }
        guard let model = models.first(where: { $0.name == name }) else {
            let names = models.map(\.name).joined(separator: ", ")
            throw .notFound("no model '\(name)' is resident; resident: \(names.isEmpty ? "none" : names)")
        }
        return model
    }

    public var descriptions: [ModelDescription] {
        models.enumerated().map { index, entry in
            ModelDescription(
                name: entry.name, configuration: entry.model.configuration, fingerprint: entry.model.fingerprint,
                weightBytes: entry.model.weightBytes, parameterCount: entry.model.parameterCount,
                isDefault: index == 0, bosTokenID: entry.model.tokenizer?.bosTokenID)
        }
    }
}
