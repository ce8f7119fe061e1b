internal import CLensMessages
internal import LensCore

// inference.proto: Query.

extension Coding where Value == QueryRequest {
    static var queryRequest: Self {
        Self(CQueryRequest.self) { (message) throws(LensError) in
            let slice = try message.slice.map { (slice) throws(LensError) in try TensorSlice(slice.pointee) }
            let prompts = array(message.n_prompt_indices, message.prompt_indices).map { Int($0) }
            return QueryRequest(
                source: try PassSource(message), hook: try message.hook.text("hook"), slice: slice,
                prompts: prompts.isEmpty ? nil : prompts)
        } write: { (value, message, arena) throws(LensError) in
            try value.source.write(to: &message, arena)
            message.hook = arena.bytes(value.hook)
            if let slice = value.slice {
                message.slice = try arena.message { (item: inout CSlice) throws(LensError) in
                    try slice.write(to: &item, arena)
                }
            }
            if let prompts = value.prompts {
                // On the wire no index means every prompt; an empty list must not turn into that.
                guard !prompts.isEmpty else {
                    throw .invalidArgument("prompt_indices must name a prompt or be left out; received an empty list")
                }
                var indices: [UInt32] = []
                for prompt in prompts { indices.append(try arena.uint32(prompt, "prompt_indices")) }
                (message.n_prompt_indices, message.prompt_indices) = arena.array(indices)
            }
        }
    }
}

extension PassSource {
    fileprivate init(_ message: CQueryRequest) throws(LensError) {
        switch message.source_case {
        case LENS__V1__QUERY_REQUEST__SOURCE_RUN: self = .run(try message.run.text("run"))
        case LENS__V1__QUERY_REQUEST__SOURCE_PROMPTS: self = try required(message.prompts, "prompts", Self.read)
        default: throw .invalidArgument("source is a run or prompts; received neither")
        }
    }

    fileprivate func write(to message: inout CQueryRequest, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .run(let run):
            message.source_case = LENS__V1__QUERY_REQUEST__SOURCE_RUN
            message.run = arena.bytes(run)
        case .prompts(let model, let prompts, let interventions):
            message.source_case = LENS__V1__QUERY_REQUEST__SOURCE_PROMPTS
            message.prompts = try Self.write(model, prompts, interventions, arena)
        }
    }

    static func read(_ pass: CPassSource) throws(LensError) -> Self {
        .prompts(
            try ModelReference(pass.model), try Prompt.read(pass.n_prompts, pass.prompts),
            try InterventionSpec.read(pass.n_interventions, pass.interventions))
    }

    static func write(
        _ model: ModelReference, _ prompts: [Prompt], _ interventions: [InterventionSpec], _ arena: MessageArena
    ) throws(LensError) -> UnsafeMutablePointer<CPassSource>? {
        try arena.message { (pass: inout CPassSource) throws(LensError) in
            pass.model = arena.bytes(model.description)
            (pass.n_prompts, pass.prompts) = try Prompt.write(prompts, arena)
            (pass.n_interventions, pass.interventions) = try InterventionSpec.write(interventions, arena)
        }
    }
}

extension Coding where Value == QueryEvent {
    static var queryEvent: Self {
        Self(CQueryEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__QUERY_EVENT__EVENT_HEADER:
                try required(message.header, "header") { (header: CTensorHeader) throws(LensError) in
                    .header(try TensorHeader(header))
                }
            case LENS__V1__QUERY_EVENT__EVENT_VALUES:
                .values(ValueBytes(message.values.array))
            default:
                throw .invalidArgument("a query's event is a header or values; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .header(let header):
                message.event_case = LENS__V1__QUERY_EVENT__EVENT_HEADER
                message.header = try arena.message { (item: inout CTensorHeader) throws(LensError) in
                    try header.write(to: &item, arena)
                }
            case .values(let values):
                message.event_case = LENS__V1__QUERY_EVENT__EVENT_VALUES
                message.values = values.withUnsafeBytes { arena.bytes($0) }
            }
        }.carrying(field: 2) { value in
            if case .values(let values) = value { values } else { nil }
        }
    }
}

extension TensorHeader {
    fileprivate init(_ message: CTensorHeader) throws(LensError) {
        var shape: [Int] = []
        for size in array(message.n_shape, message.shape) { shape.append(try size.count("shape")) }
        self.init(
            hook: try message.hook.text("hook"), prompt: Int(message.prompt_index),
            elementType: try ElementType(message.element_type), shape: shape, model: try message.model.text("model"),
            fingerprint: try message.fingerprint.text("fingerprint"),
            tokens: try messages(message.n_tokens, message.tokens) { (token: CToken) throws(LensError) in
                try Token(token)
            },
            runID: try message.run_id.text("run_id"))
    }

    fileprivate func write(to message: inout CTensorHeader, _ arena: MessageArena) throws(LensError) {
        message.hook = arena.bytes(hook)
        message.prompt_index = try arena.uint32(prompt, "prompt_index")
        message.element_type = arena.bytes(elementType.rawValue)
        var sizes: [UInt64] = []
        for size in shape { sizes.append(try arena.uint64(size, "shape")) }
        (message.n_shape, message.shape) = arena.array(sizes)
        message.model = arena.bytes(model)
        message.fingerprint = arena.bytes(fingerprint)
        (message.n_tokens, message.tokens) = try arena.messages(tokens) { (token, item) throws(LensError) in
            try token.write(to: &item, arena)
        }
        message.run_id = arena.bytes(runID)
    }
}
