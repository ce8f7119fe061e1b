internal import CLensMessages
internal import LensCore

// models.proto.

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
    static var usageRequest: Self { empty(CUsageRequest.self) }
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
