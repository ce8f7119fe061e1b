internal import CLensMessages
internal import LensCore

// common.proto: values that several services speak of.

extension Token {
    init(_ message: CToken) throws(LensError) {
        self.init(id: try message.id.tokenID("token.id"), text: try message.text.text("token.text"))
    }

    func write(to message: inout CToken, _ arena: MessageArena) throws(LensError) {
        message.id = try arena.uint32(id, "token.id")
        message.text = arena.bytes(text)
    }

    static func list(_ message: CTokenList) throws(LensError) -> [Token] {
        try messages(message.n_tokens, message.tokens) { (token: CToken) throws(LensError) in try Token(token) }
    }

    static func writeList(_ tokens: [Token], to message: inout CTokenList, _ arena: MessageArena) throws(LensError) {
        (message.n_tokens, message.tokens) = try arena.messages(tokens) { (token, item) throws(LensError) in
            try token.write(to: &item, arena)
        }
    }

    static func write(_ lists: [[Token]], _ arena: MessageArena)
        throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CTokenList>?>?)
    {
        try arena.messages(lists) { (list, item) throws(LensError) in try writeList(list, to: &item, arena) }
    }
}

extension Prompt {
    init(_ message: CPrompt) throws(LensError) {
        switch message.content_case {
        case LENS__V1__PROMPT__CONTENT_TEXT:
            self = try required(message.text, "prompt.text") { (text: CTextPrompt) throws(LensError) in
                .text(try text.text.text("prompt.text"), prependBOS: text.no_bos == 0)
            }
        case LENS__V1__PROMPT__CONTENT_TOKENS:
            self = try required(message.tokens, "prompt.tokens") { (tokens: CTokenPrompt) throws(LensError) in
                var ids: [Int32] = []
                ids.reserveCapacity(tokens.n_ids)
                for id in UnsafeBufferPointer(start: tokens.ids, count: tokens.ids == nil ? 0 : tokens.n_ids) {
                    ids.append(try id.tokenID("prompt.tokens.ids[\(ids.count)]"))
                }
                return .tokens(ids)
            }
        default:
            throw .invalidArgument("a prompt is text or tokens; received neither")
        }
    }

    func write(to message: inout CPrompt, _ arena: MessageArena) throws(LensError) {
        switch self {
        case .text(let text, let prependBOS):
            message.content_case = LENS__V1__PROMPT__CONTENT_TEXT
            message.text = try arena.message { (item: inout CTextPrompt) in
                item.text = arena.bytes(text)
                item.no_bos = prependBOS ? 0 : 1
            }
        case .tokens(let ids):
            message.content_case = LENS__V1__PROMPT__CONTENT_TOKENS
            var numbers: [UInt32] = []
            numbers.reserveCapacity(ids.count)
            for id in ids { numbers.append(try arena.uint32(id, "prompt.tokens.ids[\(numbers.count)]")) }
            message.tokens = try arena.message { (item: inout CTokenPrompt) in
                (item.n_ids, item.ids) = arena.array(numbers)
            }
        }
    }

    static func read(_ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CPrompt>?>?)
        throws(LensError) -> [Prompt]
    {
        try messages(count, start) { (prompt: CPrompt) throws(LensError) in try Prompt(prompt) }
    }

    static func write(_ prompts: [Prompt], _ arena: MessageArena)
        throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CPrompt>?>?)
    {
        try arena.messages(prompts) { (prompt, item) throws(LensError) in try prompt.write(to: &item, arena) }
    }
}

extension ElementType {
    init(_ field: ProtobufCBinaryData) throws(LensError) {
        let name = try field.text("element_type")
        guard let type = ElementType(rawValue: name) else {
            let known = ElementType.allCases.map(\.rawValue).joined(separator: ", ")
            throw .invalidArgument("element_type must be one of \(known); received '\(name)'")
        }
        self = type
    }
}

extension ModelReference {
    init(_ field: ProtobufCBinaryData) throws(LensError) {
        try self.init(parsing: try field.text("model"))
    }
}
