internal import CLensMessages
internal import LensCore

// models.proto: what a model is asked to be, and where it is.

extension Coding where Value == ModelReference {
    static var describeModelRequest: Self {
        Self(CDescribeModelRequest.self) { (message) throws(LensError) in
            try ModelReference(message.model)
        } write: { (value, message, arena) in
            message.model = arena.bytes(value.description)
        }
    }
}

extension Coding where Value == ModelNameRequest {
    static var loadModelRequest: Self {
        Self(CLoadModelRequest.self) { (message) throws(LensError) in
            ModelNameRequest(name: try message.name.modelName("name"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
        }
    }

    static var unloadModelRequest: Self {
        Self(CUnloadModelRequest.self) { (message) throws(LensError) in
            ModelNameRequest(name: try message.name.modelName("name"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
        }
    }
}

extension Coding where Value == Bool {
    static var unloadModelReply: Self {
        Self(CUnloadModelReply.self) { (message) in
            message.in_use != 0
        } write: { (value, message, _) in
            message.in_use = value ? 1 : 0
        }
    }
}

extension Coding where Value == RenameModelRequest {
    static var renameModelRequest: Self {
        Self(CRenameModelRequest.self) { (message) throws(LensError) in
            RenameModelRequest(
                name: try message.name.modelName("name"), newName: try message.new_name.modelName("new_name"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            message.new_name = arena.bytes(value.newName)
        }
    }
}

extension Coding where Value == EmptyRequest {
    static var renameModelReply: Self { empty(CRenameModelReply.self) }
}

extension Coding where Value == LoadModelEvent {
    static var loadModelEvent: Self {
        Self(CLoadModelEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__LOAD_MODEL_EVENT__EVENT_PROGRESS:
                .progress(
                    try required(message.progress, "progress") { (progress) throws(LensError) in
                        try LoadProgress(progress)
                    })
            case LENS__V1__LOAD_MODEL_EVENT__EVENT_MODEL:
                .model(
                    try required(message.model, "model") { (model) throws(LensError) in try ModelDescription(model) })
            default: throw .invalidArgument("an event of a load is progress or the model; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let progress):
                message.event_case = LENS__V1__LOAD_MODEL_EVENT__EVENT_PROGRESS
                message.progress = try progress.write(arena)
            case .model(let model):
                message.event_case = LENS__V1__LOAD_MODEL_EVENT__EVENT_MODEL
                message.model = try arena.message { (item: inout CModelDescription) throws(LensError) in
                    try model.write(to: &item, arena)
                }
            }
        }
    }
}

extension LoadProgress {
    fileprivate init(_ message: CLoadProgress) throws(LensError) {
        self.init(
            doneBytes: try message.done_bytes.count("done_bytes"),
            totalBytes: try message.total_bytes.count("total_bytes"))
    }

    fileprivate func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CLoadProgress>? {
        try arena.message { (message: inout CLoadProgress) throws(LensError) in
            message.done_bytes = try arena.uint64(doneBytes, "done_bytes")
            message.total_bytes = try arena.uint64(totalBytes, "total_bytes")
        }
    }
}

extension ModelState {
    init(_ message: CModelState) throws(LensError) {
        self.init(
            name: try message.name.text("name"), residency: try Residency(message.residency),
            isDefault: message.is_default != 0, isPinned: message.is_pinned != 0, isInUse: message.in_use != 0,
            weightBytes: try message.weight_bytes.count("weight_bytes"), loadSeconds: message.load_seconds,
            progress: try message.progress.map { (progress) throws(LensError) in try LoadProgress(progress.pointee) },
            note: try message.note.text("note"), isConfigured: message.is_configured != 0)
    }

    func write(to message: inout CModelState, _ arena: MessageArena) throws(LensError) {
        message.name = arena.bytes(name)
        message.residency = residency.wire
        message.is_default = isDefault ? 1 : 0
        message.is_pinned = isPinned ? 1 : 0
        message.in_use = isInUse ? 1 : 0
        message.weight_bytes = try arena.uint64(weightBytes, "weight_bytes")
        message.load_seconds = loadSeconds
        if let progress { message.progress = try progress.write(arena) }
        message.note = arena.bytes(note)
        message.is_configured = isConfigured ? 1 : 0
    }
}

extension ModelState.Residency {
    fileprivate init(_ message: CResidency) throws(LensError) {
        guard let residency = Self.allCases.first(where: { $0.wire == message }) else {
            throw .invalidArgument("a model's residency must be in 1...3; received \(message.rawValue)")
        }
        self = residency
    }

    fileprivate var wire: CResidency {
        switch self {
        case .known: LENS__V1__RESIDENCY__RESIDENCY_KNOWN
        case .loading: LENS__V1__RESIDENCY__RESIDENCY_LOADING
        case .resident: LENS__V1__RESIDENCY__RESIDENCY_RESIDENT
        }
    }
}

extension ProtobufCBinaryData {
    /// The field as a name that a model can have.
    fileprivate func modelName(_ field: String) throws(LensError) -> String {
        let name = try text(field)
        do {
            try ModelReference.check(name: name)
        } catch {
            throw LensError(error.code, "\(field): \(error.message)")
        }
        return name
    }
}
