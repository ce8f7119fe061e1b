internal import CLensMessages
internal import LensCore

// weights.proto: ListParameters, Parameter.

extension Coding where Value == ModelReference {
    static var listParametersRequest: Self {
        Self(CListParametersRequest.self) { (message) throws(LensError) in
            try ModelReference(message.model)
        } write: { (value, message, arena) in
            message.model = arena.bytes(value.description)
        }
    }
}

extension Coding where Value == ParameterList {
    static var listParametersReply: Self {
        Self(CListParametersReply.self) { (message) throws(LensError) in
            ParameterList(
                model: try message.model.text("model"), fingerprint: try message.fingerprint.text("fingerprint"),
                parameters: try messages(message.n_parameters, message.parameters) {
                    (parameter: CParameterShape) throws(LensError) in
                    ParameterShape(
                        name: try parameter.name.text("name"), shape: try sizes(parameter.n_shape, parameter.shape))
                })
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model)
            message.fingerprint = arena.bytes(value.fingerprint)
            (message.n_parameters, message.parameters) = try arena.messages(value.parameters) {
                (parameter, item: inout CParameterShape) throws(LensError) in
                item.name = arena.bytes(parameter.name)
                (item.n_shape, item.shape) = try arena.sizes(parameter.shape)
            }
        }
    }
}

extension Coding where Value == ParameterRequest {
    static var parameterRequest: Self {
        Self(CParameterRequest.self) { (message) throws(LensError) in
            ParameterRequest(
                model: try ModelReference(message.model), name: try message.name.text("name"),
                slice: try message.slice.map { (slice) throws(LensError) in try TensorSlice(slice.pointee) })
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.name = arena.bytes(value.name)
            if let slice = value.slice {
                message.slice = try arena.message { (item: inout CSlice) throws(LensError) in
                    try slice.write(to: &item, arena)
                }
            }
        }
    }
}

extension Coding where Value == WeightEvent {
    static var weightEvent: Self {
        Self(CWeightEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__WEIGHT_EVENT__EVENT_HEADER:
                try required(message.header, "header") { (header: CWeightHeader) throws(LensError) in
                    .header(
                        WeightHeader(
                            name: try header.name.text("name"), shape: try sizes(header.n_shape, header.shape),
                            model: try header.model.text("model"),
                            fingerprint: try header.fingerprint.text("fingerprint")))
                }
            case LENS__V1__WEIGHT_EVENT__EVENT_VALUES:
                .values(ValueBytes(message.values.array))
            case LENS__V1__WEIGHT_EVENT__EVENT_PROGRESS:
                try required(message.progress, "progress") { (progress: CWeightProgress) throws(LensError) in
                    let (done, total) = try progress.counts
                    return .progress(done: done, total: total)
                }
            default:
                throw .invalidArgument("an event is progress, a header or values; received none of them")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .header(let header):
                message.event_case = LENS__V1__WEIGHT_EVENT__EVENT_HEADER
                message.header = try arena.message { (item: inout CWeightHeader) throws(LensError) in
                    item.name = arena.bytes(header.name)
                    (item.n_shape, item.shape) = try arena.sizes(header.shape)
                    item.model = arena.bytes(header.model)
                    item.fingerprint = arena.bytes(header.fingerprint)
                }
            case .values(let values):
                message.event_case = LENS__V1__WEIGHT_EVENT__EVENT_VALUES
                message.values = values.withUnsafeBytes { arena.bytes($0) }
            case .progress(let done, let total):
                message.event_case = LENS__V1__WEIGHT_EVENT__EVENT_PROGRESS
                message.progress = try arena.progress(done, total)
            }
        }.carrying(field: 2) { value in
            if case .values(let values) = value { values } else { nil }
        }
    }
}

// MARK: - Parts

extension CWeightProgress {
    var counts: (done: Int, total: Int) {
        get throws(LensError) { (try done.count("done"), try total.count("total")) }
    }
}

extension MessageArena {
    func progress(_ done: Int, _ total: Int) throws(LensError) -> UnsafeMutablePointer<CWeightProgress>? {
        try message { (item: inout CWeightProgress) throws(LensError) in
            item.done = try uint64(done, "done")
            item.total = try uint64(total, "total")
        }
    }

    fileprivate func sizes(_ shape: [Int]) throws(LensError) -> (count: Int, UnsafeMutablePointer<UInt64>?) {
        var sizes: [UInt64] = []
        for size in shape { sizes.append(try uint64(size, "shape")) }
        return array(sizes)
    }
}

private func sizes(_ count: Int, _ start: UnsafeMutablePointer<UInt64>?) throws(LensError) -> [Int] {
    var shape: [Int] = []
    for size in array(count, start) { shape.append(try size.count("shape")) }
    return shape
}
