internal import CLensMessages
internal import LensCore

// sweeps.proto

extension Coding where Value == SweepRequest {
    static var sweepRequest: Self {
        Self(CSweepRequest.self) { (message) throws(LensError) in
            var axes: [SweepAxis] = []
            for axis in array(message.n_axes, message.axes) { axes.append(try SweepAxis(axis)) }
            let metrics = try messages(message.n_metrics, message.metrics) {
                (metric: CMetric) throws(LensError) in try Metric(metric)
            }
            let path = try message.path.map { (path) throws(LensError) in try SweepSpec.Path(path.pointee) }
            return SweepRequest(
                model: try ModelReference(message.model), session: try sessionName(message.session),
                prompts: try Prompt.read(message.n_prompts, message.prompts),
                interventions: try InterventionSpec.read(message.n_interventions, message.interventions),
                sweep: SweepSpec(
                    edits: try InterventionSpec.read(message.n_edits, message.edits), axes: axes,
                    isPaired: message.paired != 0, metrics: metrics.isEmpty ? [.loss] : metrics, path: path),
                isRecorded: message.unrecorded == 0)
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.session = arena.bytes(value.session)
            (message.n_prompts, message.prompts) = try Prompt.write(value.prompts, arena)
            (message.n_interventions, message.interventions) = try InterventionSpec.write(value.interventions, arena)
            (message.n_edits, message.edits) = try InterventionSpec.write(value.sweep.edits, arena)
            (message.n_axes, message.axes) = arena.array(value.sweep.axes.map(\.wire))
            message.paired = value.sweep.isPaired ? 1 : 0
            (message.n_metrics, message.metrics) = try arena.messages(value.sweep.metrics) {
                (metric, item: inout CMetric) throws(LensError) in try metric.write(to: &item, arena)
            }
            if let path = value.sweep.path {
                message.path = try arena.message { (item: inout CSweepPath) throws(LensError) in
                    try path.write(to: &item, arena)
                }
            }
            message.unrecorded = value.isRecorded ? 0 : 1
        }
    }
}

extension SweepAxis {
    init(_ message: CSweepAxis) throws(LensError) {
        guard let axis = Self.allCases.first(where: { $0.wire == message }) else {
            throw .invalidArgument("a sweep's axis must be in 1...5; received \(message.rawValue)")
        }
        self = axis
    }

    var wire: CSweepAxis {
        switch self {
        case .layer: LENS__V1__SWEEP_AXIS__SWEEP_AXIS_LAYER
        case .head: LENS__V1__SWEEP_AXIS__SWEEP_AXIS_HEAD
        case .position: LENS__V1__SWEEP_AXIS__SWEEP_AXIS_POSITION
        case .source: LENS__V1__SWEEP_AXIS__SWEEP_AXIS_SOURCE
        case .component: LENS__V1__SWEEP_AXIS__SWEEP_AXIS_COMPONENT
        }
    }
}

extension Metric {
    init(_ message: CMetric) throws(LensError) {
        guard let kind = Kind.allCases.first(where: { $0.wire == message.kind }) else {
            throw .invalidArgument("metric.kind must be in 1...6; received \(message.kind.rawValue)")
        }
        func tokens(_ ids: [UInt32], _ field: String) throws(LensError) -> [Int32] {
            var tokens: [Int32] = []
            for id in ids { tokens.append(try id.tokenID(field)) }
            return tokens
        }
        self.init(
            kind, tokens: try tokens(array(message.n_tokens, message.tokens), "metric.tokens"),
            wrongTokens: try tokens(array(message.n_wrong_tokens, message.wrong_tokens), "metric.wrong_tokens"),
            positions: array(message.n_positions, message.positions).map { Int($0) })
    }

    func write(to message: inout CMetric, _ arena: MessageArena) throws(LensError) {
        func ids(_ tokens: [Int32], _ field: String) throws(LensError) -> [UInt32] {
            var ids: [UInt32] = []
            for token in tokens { ids.append(try arena.uint32(token, field)) }
            return ids
        }
        message.kind = kind.wire
        (message.n_tokens, message.tokens) = arena.array(try ids(tokens, "metric.tokens"))
        (message.n_wrong_tokens, message.wrong_tokens) = arena.array(try ids(wrongTokens, "metric.wrong_tokens"))
        var numbers: [Int32] = []
        for position in positions {
            guard let number = Int32(exactly: position) else {
                throw .invalidArgument("metric.positions must fit into 32 bits; received \(position)")
            }
            numbers.append(number)
        }
        (message.n_positions, message.positions) = arena.array(numbers)
    }
}

extension Metric.Kind {
    fileprivate var wire: CMetricKind {
        switch self {
        case .loss: LENS__V1__METRIC_KIND__METRIC_LOSS
        case .tokenLoss: LENS__V1__METRIC_KIND__METRIC_TOKEN_LOSS
        case .logit: LENS__V1__METRIC_KIND__METRIC_LOGIT
        case .logitDifference: LENS__V1__METRIC_KIND__METRIC_LOGIT_DIFFERENCE
        case .probability: LENS__V1__METRIC_KIND__METRIC_PROBABILITY
        case .divergence: LENS__V1__METRIC_KIND__METRIC_DIVERGENCE
        }
    }
}

extension SweepSpec.Path {
    fileprivate init(_ message: CSweepPath) throws(LensError) {
        self.init(
            receivers: try messages(message.n_receivers, message.receivers) {
                (receiver: CPathReceiver) throws(LensError) in
                func indices(
                    _ field: UnsafeMutablePointer<CIndices>?, _ name: String
                ) throws(LensError) -> Indices? {
                    guard let field else { return nil }
                    return try Indices(field.pointee, "path.receivers.\(name)")
                }
                return SweepSpec.Receiver(
                    hook: try receiver.hook.text("path.receivers.hook"),
                    layers: try indices(receiver.layers, "layers"),
                    selection: Selection(
                        heads: try indices(receiver.heads, "heads"),
                        positions: try indices(receiver.positions, "positions"),
                        components: try indices(receiver.components, "components")))
            }, holdsMLPs: message.hold_mlps != 0)
    }

    fileprivate func write(to message: inout CSweepPath, _ arena: MessageArena) throws(LensError) {
        func indices(_ indices: Indices?) throws(LensError) -> UnsafeMutablePointer<CIndices>? {
            guard let indices else { return nil }
            return try arena.message { (item: inout CIndices) throws(LensError) in try indices.write(to: &item, arena) }
        }
        (message.n_receivers, message.receivers) = try arena.messages(receivers) {
            (receiver, item: inout CPathReceiver) throws(LensError) in
            guard receiver.selection.prompts == nil, receiver.selection.sources == nil else {
                throw .invalidArgument("a receiver names heads, positions and components only")
            }
            item.hook = arena.bytes(receiver.hook)
            item.layers = try indices(receiver.layers)
            item.heads = try indices(receiver.selection.heads)
            item.positions = try indices(receiver.selection.positions)
            item.components = try indices(receiver.selection.components)
        }
        message.hold_mlps = holdsMLPs ? 1 : 0
    }
}

// MARK: - Events

extension Coding where Value == SweepEvent {
    static var sweepEvent: Self {
        Self(CSweepEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__SWEEP_EVENT__EVENT_PROGRESS:
                try required(message.progress, "progress") { (progress: CSweepProgress) throws(LensError) in
                    .progress(done: try progress.done.count("done"), total: try progress.total.count("total"))
                }
            case LENS__V1__SWEEP_EVENT__EVENT_HEADER:
                try required(message.header, "header") { (header: CSweepReply) throws(LensError) in
                    .header(try SweepReply(header))
                }
            case LENS__V1__SWEEP_EVENT__EVENT_VALUES:
                try required(message.values, "values") { (values: CSweepValues) in
                    .values(
                        SweepPart(
                            metric: Int(values.metric), values: array(values.n_values, values.values),
                            standardErrors: array(values.n_standard_errors, values.standard_errors),
                            columns: array(values.n_columns, values.columns)))
                }
            default:
                throw .invalidArgument("a sweep's event is progress, a header or values; received none of them")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let done, let total):
                message.event_case = LENS__V1__SWEEP_EVENT__EVENT_PROGRESS
                message.progress = try arena.message { (item: inout CSweepProgress) throws(LensError) in
                    item.done = try arena.uint64(done, "done")
                    item.total = try arena.uint64(total, "total")
                }
            case .header(let header):
                message.event_case = LENS__V1__SWEEP_EVENT__EVENT_HEADER
                message.header = try arena.message { (item: inout CSweepReply) throws(LensError) in
                    try header.write(to: &item, arena)
                }
            case .values(let part):
                message.event_case = LENS__V1__SWEEP_EVENT__EVENT_VALUES
                message.values = try arena.message { (item: inout CSweepValues) throws(LensError) in
                    item.metric = try arena.uint32(part.metric, "metric")
                    (item.n_values, item.values) = arena.array(part.values)
                    (item.n_standard_errors, item.standard_errors) = arena.array(part.standardErrors)
                    (item.n_columns, item.columns) = arena.array(part.columns)
                }
            }
        }
    }
}

extension SweepReply {
    fileprivate init(_ message: CSweepReply) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        var hooks: [String] = []
        for hook in array(message.n_hooks, message.hooks) { hooks.append(try hook.text("hooks")) }
        self.init(
            runID: try message.run_id.text("run_id"), model: stamp.name, form: stamp.form,
            fingerprint: stamp.fingerprint, action: try message.action.text("action"), hooks: hooks,
            axes: try messages(message.n_axes, message.axes) { (axis: CSweptAxis) throws(LensError) in
                Axis(try SweepAxis(axis.axis), entries: array(axis.n_entries, axis.entries).map { Int($0) })
            },
            isPaired: message.paired != 0, tokens: try messages(message.n_tokens, message.tokens, Token.list),
            metrics: try messages(message.n_metrics, message.metrics) {
                (item: CMetricBaseline) throws(LensError) in
                let metric = try required(item.metric, "metrics.metric") { (metric: CMetric) throws(LensError) in
                    try Metric(metric)
                }
                return MetricValues(
                    metric: metric, baseline: item.value, baselines: array(item.n_columns, item.columns), values: [],
                    standardErrors: [], columns: [])
            })
    }

    /// Without the values of the variants.
    fileprivate func write(to message: inout CSweepReply, _ arena: MessageArena) throws(LensError) {
        message.run_id = arena.bytes(runID)
        message.model = try ModelStamp(name: model, form: form, fingerprint: fingerprint).write(arena)
        message.action = arena.bytes(action)
        (message.n_hooks, message.hooks) = arena.array(hooks.map { arena.bytes($0) })
        (message.n_axes, message.axes) = try arena.messages(axes) { (axis, item: inout CSweptAxis) throws(LensError) in
            item.axis = axis.axis.wire
            var entries: [UInt32] = []
            for entry in axis.entries { entries.append(try arena.uint32(entry, "axes.entries")) }
            (item.n_entries, item.entries) = arena.array(entries)
        }
        message.paired = isPaired ? 1 : 0
        (message.n_tokens, message.tokens) = try Token.write(tokens, arena)
        (message.n_metrics, message.metrics) = try arena.messages(metrics) {
            (metric, item: inout CMetricBaseline) throws(LensError) in
            item.metric = try arena.message { (inner: inout CMetric) throws(LensError) in
                try metric.metric.write(to: &inner, arena)
            }
            item.value = metric.baseline
            (item.n_columns, item.columns) = arena.array(metric.baselines)
        }
    }
}
