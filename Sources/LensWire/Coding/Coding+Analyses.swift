internal import CLensMessages
internal import LensCore

// analyses.proto: what its messages have in common.

extension PassSource {
    /// - Parameter pass: the field `pass` of a request.
    init(_ pass: UnsafeMutablePointer<CAnalyzedPass>?) throws(LensError) {
        self = try required(pass, "pass") { (pass: CAnalyzedPass) throws(LensError) -> PassSource in
            switch pass.source_case {
            case LENS__V1__ANALYZED_PASS__SOURCE_RUN: .run(try pass.run.text("pass.run"))
            case LENS__V1__ANALYZED_PASS__SOURCE_PROMPTS: try required(pass.prompts, "pass.prompts", PassSource.read)
            default: throw .invalidArgument("pass is a run or prompts; received neither")
            }
        }
    }

    func analyzed(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CAnalyzedPass>? {
        try arena.message { (pass: inout CAnalyzedPass) throws(LensError) in
            switch self {
            case .run(let run):
                pass.source_case = LENS__V1__ANALYZED_PASS__SOURCE_RUN
                pass.run = arena.bytes(run)
            case .prompts(let model, let prompts, let interventions):
                pass.source_case = LENS__V1__ANALYZED_PASS__SOURCE_PROMPTS
                pass.prompts = try Self.write(model, prompts, interventions, arena)
            }
        }
    }
}

extension ResidualComponent {
    init(_ message: CResidualComponent) throws(LensError) {
        guard let kind = Kind(rawValue: Int(message.kind.rawValue)) else {
            throw .outOfRange("component.kind", message.kind.rawValue, 1..<Kind.allCases.count + 1)
        }
        let hasLayer = message.layer_of_case == LENS__V1__RESIDUAL_COMPONENT__LAYER_OF_LAYER
        let hasIndex = message.index_of_case == LENS__V1__RESIDUAL_COMPONENT__INDEX_OF_INDEX
        self.init(
            kind, layer: hasLayer ? Int(message.layer) : nil, index: hasIndex ? Int(message.index) : nil)
    }

    func write(to message: inout CResidualComponent, _ arena: MessageArena) throws(LensError) {
        message.kind = CComponentKind(rawValue: UInt32(kind.rawValue))
        if let layer {
            message.layer_of_case = LENS__V1__RESIDUAL_COMPONENT__LAYER_OF_LAYER
            message.layer = try arena.uint32(layer, "component.layer")
        }
        if let index {
            message.index_of_case = LENS__V1__RESIDUAL_COMPONENT__INDEX_OF_INDEX
            message.index = try arena.uint32(index, "component.index")
        }
        message.label = arena.bytes(label)
    }

    static func list(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CResidualComponent>?>?
    ) throws(LensError) -> [ResidualComponent] {
        try messages(count, start) { (item: CResidualComponent) throws(LensError) in try ResidualComponent(item) }
    }

    static func write(
        _ components: [ResidualComponent], _ arena: MessageArena
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CResidualComponent>?>?) {
        try arena.messages(components) { (component, item) throws(LensError) in
            try component.write(to: &item, arena)
        }
    }
}

/// Holds a list of a reply against the size that the others give it.
func checkCount(_ count: Int, _ factors: [Int], _ field: String) throws(LensError) {
    var expected = 1
    for factor in factors {
        let (product, overflows) = expected.multipliedReportingOverflow(by: factor)
        expected = overflows ? -1 : product
        if overflows { break }
    }
    guard count == expected else {
        throw .invalidArgument(
            "\(field) must have \(factors.map(String.init).joined(separator: " x ")) values; received \(count)")
    }
}

/// Token ids of a repeated field.
func tokenIDs(_ ids: [UInt32], _ field: String) throws(LensError) -> [Int32] {
    var tokens: [Int32] = []
    tokens.reserveCapacity(ids.count)
    for id in ids { tokens.append(try id.tokenID(field)) }
    return tokens
}

/// Tokens of a repeated field.
func tokens(
    _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CToken>?>?
) throws(LensError) -> [Token] {
    try messages(count, start) { (token: CToken) throws(LensError) in try Token(token) }
}

extension MessageArena {
    func tokens(
        _ tokens: [Token]
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CToken>?>?) {
        try messages(tokens) { (token, item) throws(LensError) in try token.write(to: &item, self) }
    }
}
