internal import CLensMessages
internal import LensCore

// weights.proto: Circuits, CompositionScores.

extension Coding where Value == CircuitRequest {
    static var circuitRequest: Self {
        Self(CCircuitRequest.self) { (message) throws(LensError) in
            var tokens: [Int32] = []
            tokens.reserveCapacity(message.n_tokens)
            for id in array(message.n_tokens, message.tokens) {
                tokens.append(try id.tokenID("tokens[\(tokens.count)]"))
            }
            return CircuitRequest(
                model: try ModelReference(message.model), kind: try CircuitKind(message.kind),
                heads: try messages(message.n_heads, message.heads) { (place: CHeadPlace) in
                    HeadPlace(layer: Int(place.layer), head: Int(place.head))
                },
                tokens: tokens, topCount: Int(message.top_count), wantsSmallest: message.smallest != 0)
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.kind = value.kind.wire
            (message.n_heads, message.heads) = try arena.messages(value.heads) {
                (place, item: inout CHeadPlace) throws(LensError) in
                item.layer = try arena.uint32(place.layer, "layer")
                item.head = try arena.uint32(place.head, "head")
            }
            (message.n_tokens, message.tokens) = try arena.uint32s(value.tokens, "tokens")
            message.top_count = try arena.uint32(value.topCount, "top_count")
            message.smallest = value.wantsSmallest ? 1 : 0
        }
    }
}

extension CircuitKind {
    fileprivate init(_ field: CCircuitKind) throws(LensError) {
        guard let kind = Self(rawValue: Int(field.rawValue)) else {
            throw .outOfRange("kind", field.rawValue, 1..<Self.allCases.count + 1)
        }
        self = kind
    }

    fileprivate var wire: CCircuitKind { CCircuitKind(rawValue: UInt32(rawValue)) }
}

extension Coding where Value == CircuitEvent {
    static var circuitEvent: Self {
        Self(CCircuitEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__CIRCUIT_EVENT__EVENT_PROGRESS:
                try required(message.progress, "progress") { (progress: CWeightProgress) throws(LensError) in
                    let (done, total) = try progress.counts
                    return .progress(done: done, total: total)
                }
            case LENS__V1__CIRCUIT_EVENT__EVENT_HEADER:
                .header(
                    try required(message.header, "header") { (header) throws(LensError) in try HeadCircuits(header) })
            case LENS__V1__CIRCUIT_EVENT__EVENT_HEAD:
                .head(try required(message.head, "head") { (head) throws(LensError) in try HeadCircuit(head) })
            case LENS__V1__CIRCUIT_EVENT__EVENT_ENTRIES:
                .entries(
                    try required(message.entries, "entries") { (list: CCircuitEntryList) throws(LensError) in
                        try messages(list.n_entries, list.entries) { (entry: CCircuitEntry) throws(LensError) in
                            try CircuitEntry(entry)
                        }
                    })
            default: throw .invalidArgument("an event of circuits is progress, a header, a head or its entries")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let done, let total):
                message.event_case = LENS__V1__CIRCUIT_EVENT__EVENT_PROGRESS
                message.progress = try arena.progress(done, total)
            case .header(let circuits):
                message.event_case = LENS__V1__CIRCUIT_EVENT__EVENT_HEADER
                message.header = try arena.message { (item: inout CCircuitHeader) throws(LensError) in
                    item.model = try ModelStamp(
                        name: circuits.model, form: circuits.form, fingerprint: circuits.fingerprint
                    ).write(arena)
                    item.kind = circuits.kind.wire
                }
            case .head(let head):
                message.event_case = LENS__V1__CIRCUIT_EVENT__EVENT_HEAD
                message.head = try arena.message { (item: inout CHeadCircuit) throws(LensError) in
                    try head.write(to: &item, arena)
                }
            case .entries(let entries):
                message.event_case = LENS__V1__CIRCUIT_EVENT__EVENT_ENTRIES
                message.entries = try arena.message { (item: inout CCircuitEntryList) throws(LensError) in
                    (item.n_entries, item.entries) = try arena.messages(entries) {
                        (entry, item: inout CCircuitEntry) throws(LensError) in try entry.write(to: &item, arena)
                    }
                }
            }
        }
    }
}

extension HeadCircuits {
    /// Without the heads, which follow.
    fileprivate init(_ message: CCircuitHeader) throws(LensError) {
        let stamp = try required(message.model, "model") { (stamp: CModelStamp) throws(LensError) in
            try ModelStamp(stamp)
        }
        self.init(
            model: stamp.name, form: stamp.form, fingerprint: stamp.fingerprint, kind: try CircuitKind(message.kind))
    }
}

extension HeadCircuit {
    /// Without the entries, which follow.
    fileprivate init(_ message: CHeadCircuit) throws(LensError) {
        let real = array(message.n_eigenvalues_real, message.eigenvalues_real)
        let imaginary = array(message.n_eigenvalues_imaginary, message.eigenvalues_imaginary)
        guard real.count == imaginary.count else {
            throw .invalidArgument("\(real.count) eigenvalues came with \(imaginary.count) imaginary parts")
        }
        self.init(
            place: HeadPlace(layer: Int(message.layer), head: Int(message.head)), score: message.score,
            bareScore: message.bare_score,
            eigenvalues: zip(real, imaginary).map { Eigenvalue(real: $0, imaginary: $1) })
    }

    fileprivate func write(to message: inout CHeadCircuit, _ arena: MessageArena) throws(LensError) {
        message.layer = try arena.uint32(place.layer, "layer")
        message.head = try arena.uint32(place.head, "head")
        message.score = score
        message.bare_score = bareScore
        (message.n_eigenvalues_real, message.eigenvalues_real) = arena.array(eigenvalues.map(\.real))
        (message.n_eigenvalues_imaginary, message.eigenvalues_imaginary) = arena.array(eigenvalues.map(\.imaginary))
    }
}

extension CircuitEntry {
    fileprivate init(_ message: CCircuitEntry) throws(LensError) {
        func token(_ field: UnsafeMutablePointer<CToken>?, _ name: String) throws(LensError) -> Token {
            try required(field, name) { (token: CToken) throws(LensError) in try Token(token) }
        }
        self.init(
            row: try token(message.row, "entries.row"), column: try token(message.column, "entries.column"),
            value: message.value)
    }

    fileprivate func write(to message: inout CCircuitEntry, _ arena: MessageArena) throws(LensError) {
        message.row = try arena.message { (item: inout CToken) throws(LensError) in try row.write(to: &item, arena) }
        message.column = try arena.message { (item: inout CToken) throws(LensError) in
            try column.write(to: &item, arena)
        }
        message.value = value
    }
}

extension Coding where Value == CompositionRequest {
    static var compositionRequest: Self {
        Self(CCompositionRequest.self) { (message) throws(LensError) in
            guard let kind = CompositionKind(rawValue: Int(message.kind.rawValue)) else {
                throw .outOfRange("kind", message.kind.rawValue, 1..<CompositionKind.allCases.count + 1)
            }
            return CompositionRequest(model: try ModelReference(message.model), kind: kind)
        } write: { (value, message, arena) in
            message.model = arena.bytes(value.model.description)
            message.kind = CCompositionKind(rawValue: UInt32(value.kind.rawValue))
        }
    }
}
