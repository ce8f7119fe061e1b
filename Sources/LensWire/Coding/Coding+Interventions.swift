internal import CLensMessages
internal import CProtobufC
internal import LensCore

// interventions.proto

extension InterventionSpec {
    init(_ message: CIntervention) throws(LensError) {
        func indices(
            _ field: UnsafeMutablePointer<CIndices>?, _ name: String
        ) throws(LensError) -> Indices? {
            guard let field else { return nil }
            return try Indices(field.pointee, "intervention.\(name)")
        }
        self.init(
            hook: try message.hook.text("intervention.hook"),
            layers: try indices(message.layers, "layers"),
            action: try Self.action(message),
            selection: Selection(
                prompts: try indices(message.prompts, "prompts"), heads: try indices(message.heads, "heads"),
                positions: try indices(message.positions, "positions"),
                sources: try indices(message.sources, "sources"),
                components: try indices(message.components, "components")))
    }

    func write(to message: inout CIntervention, _ arena: MessageArena) throws(LensError) {
        func indices(_ indices: Indices?) throws(LensError) -> UnsafeMutablePointer<CIndices>? {
            guard let indices else { return nil }
            return try arena.message { (item: inout CIndices) throws(LensError) in try indices.write(to: &item, arena) }
        }
        message.hook = arena.bytes(hook)
        message.layers = try indices(layers)
        message.prompts = try indices(selection.prompts)
        message.heads = try indices(selection.heads)
        message.positions = try indices(selection.positions)
        message.sources = try indices(selection.sources)
        message.components = try indices(selection.components)
        try write(action, to: &message, arena)
    }

    static func read(_ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CIntervention>?>?)
        throws(LensError) -> [InterventionSpec]
    {
        try messages(count, start) { (item: CIntervention) throws(LensError) in try InterventionSpec(item) }
    }

    static func write(_ interventions: [InterventionSpec], _ arena: MessageArena)
        throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CIntervention>?>?)
    {
        try arena.messages(interventions) { (edit, item) throws(LensError) in try edit.write(to: &item, arena) }
    }

    // MARK: - Actions

    /// A field that the action does not take is refused: it would be passed over in silence.
    private static func action(_ message: CIntervention) throws(LensError) -> Action {
        let action: Action
        var taken: Set<String> = []
        func operand() throws(LensError) -> Operand {
            taken = ["operand"]
            return try required(message.operand, "intervention.operand") { (operand: COperand) throws(LensError) in
                try Operand(operand)
            }
        }
        switch message.action {
        case LENS__V1__ACTION__ACTION_ZERO: action = .zero
        case LENS__V1__ACTION__ACTION_MEAN:
            if let source = message.source?.pointee {
                taken = ["source"]
                guard source.prompt_choice_case == LENS__V1__EDIT_SOURCE__PROMPT_CHOICE__NOT_SET,
                    source.positions == nil
                else {
                    throw .invalidArgument("a mean over other prompts takes all of them, and all their positions")
                }
                action = .meanOf(try Source(source))
            } else {
                action = .mean
            }
        case LENS__V1__ACTION__ACTION_SET: action = .set(try operand())
        case LENS__V1__ACTION__ACTION_ADD: action = .add(try operand())
        case LENS__V1__ACTION__ACTION_PROJECT: action = .project(try operand())
        case LENS__V1__ACTION__ACTION_SCALE:
            taken = ["factor"]
            guard message.factor.isFinite else {
                throw .invalidArgument("intervention.factor must be a finite number; received \(message.factor)")
            }
            action = .scale(message.factor)
        case LENS__V1__ACTION__ACTION_PATCH:
            taken = ["source"]
            action = try required(message.source, "intervention.source") { (source: CEditSource) throws(LensError) in
                let names = source.prompt_choice_case == LENS__V1__EDIT_SOURCE__PROMPT_CHOICE_PROMPT
                return .patch(
                    try Source(source), prompt: names ? Int(source.prompt) : nil,
                    positions: try source.positions.map { (item) throws(LensError) in
                        try Indices(item.pointee, "intervention.source.positions")
                    })
            }
        case LENS__V1__ACTION__ACTION_SWAP:
            taken = ["other_prompt"]
            action = .swap(prompt: Int(message.other_prompt))
        case LENS__V1__ACTION__ACTION_MASK: action = .mask
        default:
            throw .invalidArgument("intervention.action must be in 1...9; received \(message.action.rawValue)")
        }
        let present = [
            ("factor", message.factor != 0), ("operand", message.operand != nil), ("source", message.source != nil),
            ("other_prompt", message.other_prompt != 0),
        ]
        if let extra = present.first(where: { $0.1 && !taken.contains($0.0) }) {
            throw .invalidArgument("intervention.\(extra.0) means nothing to the action '\(action.name)'")
        }
        return action
    }

    private func write(_ action: Action, to message: inout CIntervention, _ arena: MessageArena) throws(LensError) {
        func operand(_ operand: Operand) throws(LensError) -> UnsafeMutablePointer<COperand>? {
            try arena.message { (item: inout COperand) throws(LensError) in try operand.write(to: &item, arena) }
        }
        switch action {
        case .zero: message.action = LENS__V1__ACTION__ACTION_ZERO
        case .mean: message.action = LENS__V1__ACTION__ACTION_MEAN
        case .meanOf(let source):
            message.action = LENS__V1__ACTION__ACTION_MEAN
            message.source = try source.write(prompt: nil, positions: nil, arena)
        case .set(let values):
            message.action = LENS__V1__ACTION__ACTION_SET
            message.operand = try operand(values)
        case .add(let values):
            message.action = LENS__V1__ACTION__ACTION_ADD
            message.operand = try operand(values)
        case .project(let direction):
            message.action = LENS__V1__ACTION__ACTION_PROJECT
            message.operand = try operand(direction)
        case .scale(let factor):
            message.action = LENS__V1__ACTION__ACTION_SCALE
            message.factor = factor
        case .patch(let source, let prompt, let positions):
            message.action = LENS__V1__ACTION__ACTION_PATCH
            message.source = try source.write(prompt: prompt, positions: positions, arena)
        case .swap(let prompt):
            message.action = LENS__V1__ACTION__ACTION_SWAP
            message.other_prompt = try arena.uint32(prompt, "intervention.other_prompt")
        case .mask: message.action = LENS__V1__ACTION__ACTION_MASK
        }
    }
}

extension Indices {
    init(_ message: CIndices, _ field: String) throws(LensError) {
        switch message.choice_case {
        case LENS__V1__INDICES__CHOICE_INDEX: self = .index(try message.index.sliceNumber(field))
        case LENS__V1__INDICES__CHOICE_LIST:
            self = try required(message.list, field) { (list: CIndexList) throws(LensError) in
                var indices: [Int] = []
                for index in array(list.n_indices, list.indices) { indices.append(try index.sliceNumber(field)) }
                return .list(indices)
            }
        case LENS__V1__INDICES__CHOICE_RANGE:
            let bounds = try SliceBounds(message.range, field)
            self = .range(start: bounds.start, stop: bounds.stop, step: bounds.step)
        default:
            throw .invalidArgument("\(field) is an index, a list or a range; received none of them")
        }
    }

    func write(to message: inout CIndices, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .index(let index):
            message.choice_case = LENS__V1__INDICES__CHOICE_INDEX
            message.index = Int64(index)
        case .list(let indices):
            message.choice_case = LENS__V1__INDICES__CHOICE_LIST
            message.list = try arena.message { (item: inout CIndexList) in
                (item.n_indices, item.indices) = arena.array(indices.map { Int64($0) })
            }
        case .range(let start, let stop, let step):
            message.choice_case = LENS__V1__INDICES__CHOICE_RANGE
            message.range = try SliceBounds(start: start, stop: stop, step: step).write(arena)
        }
    }
}

extension Operand {
    init(_ message: COperand) throws(LensError) {
        let bytes = message.values.array
        guard bytes.count % 4 == 0 else {
            throw .invalidArgument("intervention.operand holds float32 values; received \(bytes.count) bytes")
        }
        var shape: [Int] = []
        for size in array(message.n_shape, message.shape) { shape.append(try size.count("intervention.operand.shape")) }
        let values = bytes.withUnsafeBytes { raw in
            (0..<bytes.count / 4).map { index in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
            }
        }
        try self.init(shape: shape, values: values)
    }

    func write(to message: inout COperand, _ arena: MessageArena) throws(LensError) {
        var sizes: [UInt64] = []
        for size in shape { sizes.append(try arena.uint64(size, "intervention.operand.shape")) }
        (message.n_shape, message.shape) = arena.array(sizes)
        message.values = arena.bytes(
            values.map(\.bitPattern.littleEndian).withUnsafeBytes { [UInt8]($0) })
    }
}

extension InterventionSpec.Source {
    init(_ message: CEditSource) throws(LensError) {
        switch message.pass_case {
        case LENS__V1__EDIT_SOURCE__PASS_RUN: self = .run(try message.run.text("intervention.source.run"))
        case LENS__V1__EDIT_SOURCE__PASS_PROMPTS:
            self = try required(message.prompts, "intervention.source.prompts") {
                (list: CPromptList) throws(LensError) in
                .prompts(try Prompt.read(list.n_prompts, list.prompts))
            }
        default:
            throw .invalidArgument("intervention.source is a run or prompts; received neither")
        }
    }

    func write(
        prompt: Int?, positions: Indices?, _ arena: MessageArena
    ) throws(LensError) -> UnsafeMutablePointer<CEditSource>? {
        try arena.message { (item: inout CEditSource) throws(LensError) in
            switch self {
            case .run(let reference):
                item.pass_case = LENS__V1__EDIT_SOURCE__PASS_RUN
                item.run = arena.bytes(reference)
            case .prompts(let prompts):
                item.pass_case = LENS__V1__EDIT_SOURCE__PASS_PROMPTS
                item.prompts = try arena.message { (list: inout CPromptList) throws(LensError) in
                    (list.n_prompts, list.prompts) = try Prompt.write(prompts, arena)
                }
            }
            if let prompt {
                item.prompt_choice_case = LENS__V1__EDIT_SOURCE__PROMPT_CHOICE_PROMPT
                item.prompt = try arena.uint32(prompt, "intervention.source.prompt")
            }
            if let positions {
                item.positions = try arena.message { (indices: inout CIndices) throws(LensError) in
                    try positions.write(to: &indices, arena)
                }
            }
        }
    }
}

extension AblationKind {
    /// - Parameter missing: what an action that was left out means; `nil` where it must be given.
    init(_ message: CAction, _ field: String, missing: Self? = nil) throws(LensError) {
        switch (message, missing) {
        case (LENS__V1__ACTION__ACTION_ZERO, _): self = .zero
        case (LENS__V1__ACTION__ACTION_MEAN, _): self = .mean
        case (LENS__V1__ACTION__ACTION_UNSPECIFIED, let missing?): self = missing
        default:
            throw .invalidArgument("\(field) must be 1 (zero) or 2 (mean); received \(message.rawValue)")
        }
    }

    var wire: CAction {
        switch self {
        case .zero: LENS__V1__ACTION__ACTION_ZERO
        case .mean: LENS__V1__ACTION__ACTION_MEAN
        }
    }
}
