internal import CLensMessages
internal import LensCore

// analyses.proto: Reduce.

extension Coding where Value == ReductionRequest {
    static var reduceRequest: Self {
        Self(CReduceRequest.self) { (message) throws(LensError) in
            ReductionRequest(
                source: try PassSource(message.pass),
                reductions: try messages(message.n_reductions, message.reductions) {
                    (reduction: CReduction) throws(LensError) in try Reduction(reduction)
                })
        } write: { (value, message, arena) throws(LensError) in
            message.pass = try value.source.analyzed(arena)
            (message.n_reductions, message.reductions) = try arena.messages(value.reductions) {
                (reduction, item) throws(LensError) in try reduction.write(to: &item, arena)
            }
        }
    }
}

extension Reduction {
    fileprivate init(_ message: CReduction) throws(LensError) {
        guard let kind = Kind(rawValue: Int(message.kind.rawValue)) else {
            throw .outOfRange("reduction.kind", message.kind.rawValue, 1..<Kind.allCases.count + 1)
        }
        self.init(
            kind, of: try message.hook.text("reduction.hook"), offset: Int(message.offset),
            count: Int(message.count))
    }

    fileprivate func write(to message: inout CReduction, _ arena: MessageArena) throws(LensError) {
        message.hook = arena.bytes(hook)
        message.kind = CReductionKind(rawValue: UInt32(kind.rawValue))
        guard let offset = Int32(exactly: offset) else {
            throw .invalidArgument("reduction.offset must fit into 32 bits; received \(offset)")
        }
        message.offset = offset
        message.count = try arena.uint32(count, "reduction.count")
    }
}

extension Coding where Value == ReductionReply {
    static var reduceReply: Self {
        Self(CReduceReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            return ReductionReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint,
                prompts: try messages(message.n_prompts, message.prompts) {
                    (prompt: CReducedPrompt) throws(LensError) in
                    ReducedPrompt(
                        tokens: try tokens(prompt.n_tokens, prompt.tokens),
                        activations: try messages(prompt.n_activations, prompt.activations) {
                            (activation: CReducedActivation) throws(LensError) in
                            try ReducedActivation(activation)
                        })
                })
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(
                name: value.model, form: value.form, fingerprint: value.fingerprint
            )
            .write(arena)
            (message.n_prompts, message.prompts) = try arena.messages(value.prompts) {
                (prompt, item: inout CReducedPrompt) throws(LensError) in
                (item.n_tokens, item.tokens) = try arena.tokens(prompt.tokens)
                (item.n_activations, item.activations) = try arena.messages(prompt.activations) {
                    (activation, item) throws(LensError) in try activation.write(to: &item, arena)
                }
            }
        }
    }
}

extension ReducedActivation {
    fileprivate init(_ message: CReducedActivation) throws(LensError) {
        var shape: [Int] = []
        for size in array(message.n_shape, message.shape) { shape.append(try size.count("shape")) }
        var indices: [Int] = []
        for index in array(message.n_indices, message.indices) {
            indices.append(try index.count("indices"))
        }
        self.init(
            hook: try message.hook.text("hook"), reduction: Int(message.reduction), shape: shape,
            values: array(message.n_values, message.values), indices: indices)
        try checkCount(values.count, shape, "values")
        if !indices.isEmpty { try checkCount(indices.count, shape, "indices") }
    }

    fileprivate func write(to message: inout CReducedActivation, _ arena: MessageArena)
        throws(LensError)
    {
        message.hook = arena.bytes(hook)
        message.reduction = try arena.uint32(reduction, "reduction")
        var sizes: [UInt64] = []
        for size in shape { sizes.append(try arena.uint64(size, "shape")) }
        (message.n_shape, message.shape) = arena.array(sizes)
        (message.n_values, message.values) = arena.array(values)
        var places: [UInt64] = []
        for index in indices { places.append(try arena.uint64(index, "indices")) }
        (message.n_indices, message.indices) = arena.array(places)
    }
}
