internal import CLensMessages
internal import LensCore

// analyses.proto: Attribute.

extension Coding where Value == AttributionRequest {
    static var attributeRequest: Self {
        Self(CAttributeRequest.self) { (message) throws(LensError) in
            // Nothing said is layers.
            guard let detail = AttributionDetail(rawValue: max(Int(message.detail.rawValue), 1)) else {
                throw .outOfRange(
                    "detail", message.detail.rawValue, 0..<AttributionDetail.allCases.count + 1)
            }
            return AttributionRequest(
                source: try PassSource(message.pass),
                tokens: try tokenIDs(array(message.n_tokens, message.tokens), "tokens"),
                wrongTokens: try tokenIDs(
                    array(message.n_wrong_tokens, message.wrong_tokens), "wrong_tokens"),
                positions: array(message.n_positions, message.positions).map { Int($0) }, detail: detail,
                topCount: Int(message.top_count), withMid: message.with_mid != 0)
        } write: { (value, message, arena) throws(LensError) in
            message.pass = try value.source.analyzed(arena)
            (message.n_tokens, message.tokens) = try arena.uint32s(value.tokens, "tokens")
            (message.n_wrong_tokens, message.wrong_tokens) = try arena.uint32s(
                value.wrongTokens, "wrong_tokens")
            (message.n_positions, message.positions) = try arena.int32s(value.positions, "positions")
            message.detail = CAttributionDetail(rawValue: UInt32(value.detail.rawValue))
            message.top_count = try arena.uint32(value.topCount, "top_count")
            message.with_mid = value.withMid ? 1 : 0
        }
    }
}

extension Coding where Value == AttributionReply {
    static var attributeReply: Self {
        Self(CAttributeReply.self) { (message) throws(LensError) in
            let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
                try ModelStamp(stamp)
            }
            let components = try ResidualComponent.list(message.n_components, message.components)
            return AttributionReply(
                model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint, components: components,
                prompts: try messages(message.n_prompts, message.prompts) {
                    (prompt: CPromptAttribution) throws(LensError) in
                    try PromptAttribution(prompt, components: components.count)
                })
        } write: { (value, message, arena) throws(LensError) in
            message.model = try ModelStamp(
                name: value.model, form: value.form, fingerprint: value.fingerprint
            )
            .write(arena)
            (message.n_components, message.components) = try ResidualComponent.write(
                value.components, arena)
            (message.n_prompts, message.prompts) = try arena.messages(value.prompts) {
                (prompt, item) throws(LensError) in try prompt.write(to: &item, arena)
            }
        }
    }
}

extension PromptAttribution {
    fileprivate init(_ message: CPromptAttribution, components: Int) throws(LensError) {
        let layers = array(message.n_neuron_layers, message.neuron_layers)
        let neurons = array(message.n_neurons, message.neurons)
        let values = array(message.n_neuron_terms, message.neuron_terms)
        try checkCount(neurons.count, [layers.count], "neurons")
        try checkCount(values.count, [layers.count], "neuron_terms")
        self.init(
            tokens: try LensWire.tokens(message.n_tokens, message.tokens),
            positions: array(message.n_positions, message.positions).map { Int($0) },
            answers: try LensWire.tokens(message.n_answers, message.answers),
            wrong: try LensWire.tokens(message.n_wrong, message.wrong),
            totals: array(message.n_totals, message.totals), terms: array(message.n_terms, message.terms),
            neurons: zip(zip(layers, neurons), values).map { place, value in
                NeuronTerm(layer: Int(place.0), neuron: Int(place.1), value: value)
            })
        try checkCount(answers.count, [positions.count], "answers")
        if !wrong.isEmpty { try checkCount(wrong.count, [positions.count], "wrong") }
        try checkCount(totals.count, [positions.count], "totals")
        try checkCount(terms.count, [positions.count, components], "terms")
    }

    fileprivate func write(to message: inout CPromptAttribution, _ arena: MessageArena)
        throws(LensError)
    {
        (message.n_tokens, message.tokens) = try arena.tokens(tokens)
        (message.n_positions, message.positions) = try arena.uint32s(positions, "positions")
        (message.n_answers, message.answers) = try arena.tokens(answers)
        (message.n_wrong, message.wrong) = try arena.tokens(wrong)
        (message.n_totals, message.totals) = arena.array(totals)
        (message.n_terms, message.terms) = arena.array(terms)
        (message.n_neuron_layers, message.neuron_layers) = try arena.uint32s(
            neurons.map(\.layer), "neuron_layers")
        (message.n_neurons, message.neurons) = try arena.uint32s(neurons.map(\.neuron), "neurons")
        (message.n_neuron_terms, message.neuron_terms) = arena.array(neurons.map(\.value))
    }
}
