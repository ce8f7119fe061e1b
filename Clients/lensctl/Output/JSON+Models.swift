import LensCore

/// How models look in JSON.
extension JSON {
    static func model(_ model: ModelDescription) -> JSON {
        .object([
            ("name", .string(model.name)), ("is_default", .bool(model.isDefault)),
            ("fingerprint", .string(model.fingerprint)), ("parameters", .integer(model.parameterCount)),
            ("weight_bytes", .integer(model.weightBytes)),
            ("bos_token_id", model.bosTokenID.map { .integer(Int($0)) } ?? .null),
            ("cfg", .configuration(model.configuration)),
        ])
    }

    static func modelState(_ state: ModelState) -> JSON {
        .object([
            ("name", .string(state.name)), ("state", .string(state.residency.rawValue)),
            ("is_default", .bool(state.isDefault)), ("is_pinned", .bool(state.isPinned)),
            ("is_configured", .bool(state.isConfigured)),
            ("in_use", .bool(state.isInUse)), ("weight_bytes", .integer(state.weightBytes)),
            ("load_seconds", .number(state.loadSeconds)),
            (
                "progress",
                state.progress.map {
                    .object([("done_bytes", .integer($0.doneBytes)), ("total_bytes", .integer($0.totalBytes))])
                } ?? .null
            ),
            ("note", .string(state.note)),
        ])
    }

    /// A model as its list has it, with hook points and weight processing. In a shape, `null` is as long as the prompt.
    static func modelDetail(_ detail: ModelDetail) -> JSON {
        .object([
            ("schema", .integer(1)), ("model", model(detail.model)), ("processing", .bool(detail.form == .processed)),
            (
                "steps",
                .array(
                    detail.steps.map {
                        .object([
                            ("name", .string($0.name)), ("applied", .bool(detail.form == .processed && $0.isApplied)),
                            ("detail", .string($0.detail)),
                        ])
                    })
            ),
            ("hooks", .array(detail.hooks.map(hook))),
        ])
    }

    private static func hook(_ hook: HookShape) -> JSON {
        .object([
            ("name", .string(hook.name)), ("layers", integers(hook.layers)), ("on_demand", .bool(hook.isOnDemand)),
            ("axes", .array(hook.axes.map { .string($0.name) })),
            (
                "shape",
                .array(hook.axes.map { $0.size == 0 && !$0.name.isEmpty ? .null : .integer($0.size) })
            ),
        ])
    }
}
