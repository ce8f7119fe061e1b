import LensCore
import LensModel

/// A resident model under its registered name. Whoever holds it keeps it in memory.
public struct RegisteredModel: Sendable {
    public let name: String
    public let model: LanguageModel

    /// - Throws: `INVALID_ARGUMENT` for a name that is not `[a-z0-9._-]{1,64}`.
    public init(name: String, model: LanguageModel) throws(LensError) {
        try ModelReference.check(name: name)
        self.name = name
        self.model = model
    }

    public func description(isDefault: Bool) -> ModelDescription {
        ModelDescription(
            name: name, configuration: model.configuration, fingerprint: model.fingerprint,
            weightBytes: model.weightBytes, parameterCount: model.parameterCount,
            isDefault: isDefault, bosTokenID: model.tokenizer?.bosTokenID)
    }

    public func detail(form: ModelReference.Form, isDefault: Bool) -> ModelDetail {
        ModelDetail(
            model: description(isDefault: isDefault), form: form, hooks: model.configuration.hookShapes,
            steps: model.configuration.stepOutcomes)
    }
}
