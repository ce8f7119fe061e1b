import LensCheckpoint
import LensCore

/// A part of one of a tokenizer's stages, as `tokenizer.json` describes it.
struct Component {
    /// The stage's key in the file, such as `pre_tokenizer`.
    let stage: String
    let type: String
    let fields: JSONObject
    private let value: JSONValue

    private static let countLimit = 64

    init(_ value: JSONValue, of stage: String) throws(LensError) {
        self.value = value
        self.stage = stage
        fields = try value.object()
        type = try fields.required("type").string()
    }

    /// A stage's parts in their order; those of a `Sequence` are under `key`.
    static func all(_ value: JSONValue?, of stage: String, under key: String) throws(LensError) -> [Component] {
        var parts: [Component] = []
        func add(_ value: JSONValue) throws(LensError) {
            let part = try Component(value, of: stage)
            guard part.type == "Sequence" else {
                guard parts.count < countLimit else { throw value.error("has more than \(countLimit) parts") }
                return parts.append(part)
            }
            try part.fields.required(key).forEachElement { element throws(LensError) in try add(element) }
        }
        if let value { try add(value) }
        return parts
    }

    /// The error for a component that is not known.
    func unsupported(_ supported: String...) -> LensError {
        let name = (try? fields.required("type").excerpt()) ?? type
        return error(
            "'\(name)' is not supported; supported are \(supported.joined(separator: ", "))", code: .unimplemented)
    }

    /// An error about a field.
    func unsupported(_ key: String, _ found: String, expected: String) -> LensError {
        error("\(type)'s \(key) \(found) is not supported; expected \(expected)", code: .unimplemented)
    }

    func error(_ message: String, code: StatusCode = .invalidArgument) -> LensError {
        LensError(code, "\(value.file): \(stage) \(message)")
    }

    func flag(_ key: String, or standard: Bool) throws(LensError) -> Bool {
        try fields.optional(key)?.bool() ?? standard
    }

    /// A text's UTF-8, of a length that cannot blow up what it is put into.
    func text(_ key: String, upTo limit: Int = 64) throws(LensError) -> [UInt8] {
        let field = try fields.required(key)
        let text = try field.utf8()
        guard text.count <= limit else { throw field.error("may have at most \(limit) bytes; it has \(text.count)") }
        return text
    }

    /// A field that must be one character.
    func character(_ key: String) throws(LensError) -> [UInt8] {
        let field = try fields.required(key)
        guard try field.string().unicodeScalars.count == 1 else { throw field.error("must be one character") }
        return try field.utf8()
    }

    /// The `pattern` of Split and Replace: a text or a regular expression.
    func pattern() throws(LensError) -> (text: [UInt8]?, expression: String) {
        let fields = try fields.required("pattern").object()
        if let text = fields.optional("String") {
            guard try !text.utf8().isEmpty else { throw text.error("must not be empty") }
            guard try text.utf8().count <= 64 else { throw text.error("may have at most 64 bytes") }
            return (try text.utf8(), try text.excerpt())
        }
        return (nil, try fields.required("Regex").string())
    }

    /// The error for a regular expression that is not known; shows it.
    func unknownExpression(_ expression: String) -> LensError {
        let shown = expression.unicodeScalars.prefix(1000).map { String($0) }.joined()
        return error("\(type) has an unknown regular expression: \(shown)", code: .unimplemented)
    }
}
