import LensCore

/// The models that an engine computes with, held in memory as long as the engine is; the first is the default.
///
/// A call's engine has the one model that the call is about (``SharedEngine``).
public struct ResidentModels: Sendable {
    private let models: [RegisteredModel]

    /// - Throws: `ALREADY_EXISTS` where two models have one name.
    public init(_ models: [RegisteredModel]) throws(LensError) {
        for (index, model) in models.enumerated() where models[..<index].contains(where: { $0.name == model.name }) {
            throw LensError(.alreadyExists, "two models are named '\(model.name)'")
        }
        self.models = models
    }

    init(_ model: RegisteredModel) { models = [model] }

    /// - Throws: `NOT_FOUND` naming the models there are.
    public func model(for reference: ModelReference) throws(LensError) -> RegisteredModel {
        guard let name = reference.name else {
            guard let first = models.first else { throw .notFound("there is no model") }
            return first
        }
        guard let model = models.first(where: { $0.name == name }) else {
            throw .unknownModel(name, among: models.map(\.name))
        }
        return model
    }

    /// The model that a recipe was made with, whatever it is called by now.
    ///
    /// - Throws: `FAILED_PRECONDITION` where its weights are not here.
    func model(of recipe: Recipe) throws(LensError) -> RegisteredModel {
        if let model = models.first(where: { $0.model.fingerprint == recipe.fingerprint }) { return model }
        let entry = try model(for: recipe.model)
        throw .otherWeights(recipe, found: entry.model.fingerprint, of: entry.name)
    }
}

extension LensError {
    /// Nobody learns from this whether there is a model that he may not use.
    static func unknownModel(_ name: String, among names: [String]) -> LensError {
        .notFound("there is no model '\(name)'; there are: \(names.isEmpty ? "none" : names.joined(separator: ", "))")
    }

    static func otherWeights(_ recipe: Recipe, found fingerprint: String, of name: String) -> LensError {
        LensError(
            .failedPrecondition,
            "the run was made with weights \(recipe.fingerprint.prefix(12)); "
                + "model '\(name)' now has \(fingerprint.prefix(12))")
    }
}
