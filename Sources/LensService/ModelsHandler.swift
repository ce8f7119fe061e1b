import LensCore
import LensEngine

/// Answers which models are resident.
struct ModelsHandler: Sendable {
    let engine: Engine

    func list() -> [ModelDescription] {
        engine.models.descriptions
    }
}
