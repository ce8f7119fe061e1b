internal import CLensMessages
internal import LensCore

// models.proto and daemon.proto.

/// A request that says nothing beyond its method.
public struct EmptyRequest: Sendable, Hashable {
    public init() {}
}

extension Coding where Value == EmptyRequest {
    static func empty<Message: CMessage>(_ type: Message.Type) -> Self {
        Self(Message.self) { _ in
            EmptyRequest()
        } write: { _, _, _ in
        }
    }

    static var listModelsRequest: Self { empty(CListModelsRequest.self) }
    static var daemonStatusRequest: Self { empty(CDaemonStatusRequest.self) }
}

extension Coding where Value == ModelList {
    static var listModelsReply: Self {
        Self(CListModelsReply.self) { (message) throws(LensError) in
            ModelList(
                resident: try messages(message.n_models, message.models) {
                    (model: CModelDescription) throws(LensError) in try ModelDescription(model)
                },
                states: try messages(message.n_states, message.states) {
                    (state: CModelState) throws(LensError) in try ModelState(state)
                })
        } write: { (value, message, arena) throws(LensError) in
            (message.n_models, message.models) = try arena.messages(value.resident) {
                (model, item) throws(LensError) in try model.write(to: &item, arena)
            }
            (message.n_states, message.states) = try arena.messages(value.states) {
                (state, item) throws(LensError) in try state.write(to: &item, arena)
            }
        }
    }
}

extension ModelDescription {
    init(_ message: CModelDescription) throws(LensError) {
        let hasBOS = message.bos_case == LENS__V1__MODEL_DESCRIPTION__BOS_BOS_TOKEN_ID
        self.init(
            name: try message.name.text("name"),
            configuration: try required(message.configuration, "configuration") { (shape) throws(LensError) in
                try ModelConfiguration(shape)
            },
            fingerprint: try message.fingerprint.text("fingerprint"),
            weightBytes: try message.weight_bytes.count("weight_bytes"),
            parameterCount: try message.parameter_count.count("parameter_count"),
            isDefault: message.is_default != 0,
            bosTokenID: hasBOS ? try message.bos_token_id.tokenID("bos_token_id") : nil)
    }

    func write(to message: inout CModelDescription, _ arena: MessageArena) throws(LensError) {
        message.name = arena.bytes(name)
        message.configuration = try arena.message { (item: inout CModelConfiguration) throws(LensError) in
            try configuration.write(to: &item, arena)
        }
        message.fingerprint = arena.bytes(fingerprint)
        message.weight_bytes = try arena.uint64(weightBytes, "weight_bytes")
        message.parameter_count = try arena.uint64(parameterCount, "parameter_count")
        message.is_default = isDefault ? 1 : 0
        if let bosTokenID {
            message.bos_case = LENS__V1__MODEL_DESCRIPTION__BOS_BOS_TOKEN_ID
            message.bos_token_id = try arena.uint32(bosTokenID, "bos_token_id")
        }
        // For clients in other languages; in Swift the configuration says them.
        (message.n_hook_points, message.hook_points) = try arena.messages(configuration.hookPoints) {
            (point, item: inout CHookPointDescription) in
            item.name = arena.bytes(point.name)
            item.on_demand = point.kind.isOnDemand ? 1 : 0
        }
    }
}

extension Coding where Value == DaemonStatus {
    static var daemonStatusReply: Self {
        Self(CDaemonStatusReply.self) { (message) throws(LensError) in
            DaemonStatus(
                version: DaemonVersion(
                    lensd: try message.lensd_version.text("lensd_version"),
                    wireProtocol: Int(message.protocol_version),
                    blas: try message.blas.text("blas"), sqlite: try message.sqlite.text("sqlite")),
                uptimeSeconds: message.uptime_seconds, processID: Int(message.process_id),
                residentBytes: try message.resident_bytes.count("resident_bytes"),
                models: try messages(message.n_models, message.models) { (model: CModelDescription) throws(LensError) in
                    try ModelDescription(model)
                },
                queuedJobs: Int(message.queued_jobs), runningJobs: Int(message.running_jobs),
                cacheBytes: try message.cache_bytes.count("cache_bytes"),
                cacheCapacityBytes: try message.cache_capacity_bytes.count("cache_capacity_bytes"),
                threads: Int(message.threads), connections: Int(message.connections),
                modelStates: try messages(message.n_model_states, message.model_states) {
                    (state: CModelState) throws(LensError) in try ModelState(state)
                },
                weightBytes: try message.weight_bytes.count("weight_bytes"),
                weightBudgetBytes: try message.weight_budget_bytes.count("weight_budget_bytes"))
        } write: { (value, message, arena) throws(LensError) in
            message.lensd_version = arena.bytes(value.version.lensd)
            message.protocol_version = try arena.uint32(value.version.wireProtocol, "protocol_version")
            message.blas = arena.bytes(value.version.blas)
            message.sqlite = arena.bytes(value.version.sqlite)
            message.uptime_seconds = value.uptimeSeconds
            message.process_id = try arena.uint32(value.processID, "process_id")
            message.resident_bytes = try arena.uint64(value.residentBytes, "resident_bytes")
            (message.n_models, message.models) = try arena.messages(value.models) { (model, item) throws(LensError) in
                try model.write(to: &item, arena)
            }
            message.queued_jobs = try arena.uint32(value.queuedJobs, "queued_jobs")
            message.running_jobs = try arena.uint32(value.runningJobs, "running_jobs")
            message.cache_bytes = try arena.uint64(value.cacheBytes, "cache_bytes")
            message.cache_capacity_bytes = try arena.uint64(value.cacheCapacityBytes, "cache_capacity_bytes")
            message.threads = try arena.uint32(value.threads, "threads")
            message.connections = try arena.uint32(value.connections, "connections")
            (message.n_model_states, message.model_states) = try arena.messages(value.modelStates) {
                (state, item) throws(LensError) in try state.write(to: &item, arena)
            }
            message.weight_bytes = try arena.uint64(value.weightBytes, "weight_bytes")
            message.weight_budget_bytes = try arena.uint64(value.weightBudgetBytes, "weight_budget_bytes")
        }
    }
}
