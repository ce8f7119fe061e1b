internal import CLensMessages
internal import LensCore

// models.proto: what a model looks like from inside.

extension Coding where Value == ModelDetail {
    static var describeModelReply: Self {
        Self(CDescribeModelReply.self) { (message) throws(LensError) in
            ModelDetail(
                model: try required(message.model, "model") { (model) throws(LensError) in
                    try ModelDescription(model)
                },
                form: message.raw != 0 ? .raw : .processed,
                hooks: try messages(message.n_hooks, message.hooks) { (hook: CHookShape) throws(LensError) in
                    try HookShape(hook)
                },
                steps: try messages(message.n_steps, message.steps) { (step: CProcessingStep) throws(LensError) in
                    StepOutcome(
                        name: try step.name.text("step"), isApplied: step.applied != 0,
                        detail: try step.detail.text("detail"))
                })
        } write: { (value, message, arena) throws(LensError) in
            message.model = try arena.message { (item: inout CModelDescription) throws(LensError) in
                try value.model.write(to: &item, arena)
            }
            message.raw = value.form == .raw ? 1 : 0
            (message.n_hooks, message.hooks) = try arena.messages(value.hooks) { (hook, item) throws(LensError) in
                try hook.write(to: &item, arena)
            }
            (message.n_steps, message.steps) = try arena.messages(value.steps) {
                (step, item: inout CProcessingStep) in
                item.name = arena.bytes(step.name)
                item.applied = step.isApplied ? 1 : 0
                item.detail = arena.bytes(step.detail)
            }
        }
    }
}

extension HookShape {
    fileprivate init(_ message: CHookShape) throws(LensError) {
        self.init(
            name: try message.name.text("hook"), layers: array(message.n_layers, message.layers).map { Int($0) },
            axes: try messages(message.n_axes, message.axes) { (axis: CHookAxis) throws(LensError) in
                Axis(name: try axis.name.text("axis"), size: try axis.size.count("size"))
            },
            isOnDemand: message.on_demand != 0)
    }

    fileprivate func write(to message: inout CHookShape, _ arena: MessageArena) throws(LensError) {
        message.name = arena.bytes(name)
        var numbers: [UInt32] = []
        for layer in layers { numbers.append(try arena.uint32(layer, "layer")) }
        (message.n_layers, message.layers) = arena.array(numbers)
        (message.n_axes, message.axes) = try arena.messages(axes) { (axis, item: inout CHookAxis) throws(LensError) in
            item.name = arena.bytes(axis.name)
            item.size = try arena.uint64(axis.size, "size")
        }
        message.on_demand = isOnDemand ? 1 : 0
    }
}
