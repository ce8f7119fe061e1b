import LensCheckpoint
import LensCore

/// The special tokens that a tokenizer puts around a text by itself.
struct PostProcessor: Sendable, Equatable {
    private(set) var prefix: [Int32] = []
    private(set) var suffix: [Int32] = []

    private static let tokenLimit = 64

    /// Reads the `post_processor` of a `tokenizer.json`; `nil` adds nothing.
    ///
    /// - Parameter ids: of the tokens that there are.
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT`.
    init(reading value: JSONValue?, ids: Range<Int>) throws(LensError) {
        for part in try Component.all(value, of: "post_processor", under: "processors") {
            switch part.type {
            case "ByteLevel": continue  // Moves offsets only.
            case "TemplateProcessing": try add(part, ids)
            case "BertProcessing", "RobertaProcessing":
                prefix.insert(try Self.token(part, "cls", ids), at: 0)
                suffix.append(try Self.token(part, "sep", ids))
            default:
                throw part.unsupported(
                    "BertProcessing", "ByteLevel", "RobertaProcessing", "Sequence", "TemplateProcessing")
            }
        }
    }

    /// `["<s>", 0]`
    private static func token(_ part: Component, _ key: String, _ ids: Range<Int>) throws(LensError) -> Int32 {
        var id: Int32?
        try part.fields.required(key).forEachElement { element throws(LensError) in
            if element.kind == .number { id = try Self.id(element, ids) }
        }
        guard let id else { throw part.error("\(part.type)'s \(key) must be a token and its id") }
        return id
    }

    private static func id(_ value: JSONValue, _ ids: Range<Int>) throws(LensError) -> Int32 {
        Int32(try value.integer(in: 0...max(ids.upperBound - 1, 0)))
    }

    /// The `single` of a template: special tokens around `$A`, further out than those that are there already.
    private mutating func add(_ part: Component, _ ids: Range<Int>) throws(LensError) {
        var before: [Int32] = []
        var after: [Int32] = []
        var isBehindText = false
        let special = try part.fields.required("special_tokens").object()
        try part.fields.required("single").forEachElement { piece throws(LensError) in
            let fields = try piece.object()
            if let token = fields.optional("SpecialToken") {
                let name = try token.object().required("id").string()
                try special.required(name).object().required("ids").forEachElement { element throws(LensError) in
                    let id = try Self.id(element, ids)
                    if isBehindText { after.append(id) } else { before.append(id) }
                    guard before.count + after.count <= Self.tokenLimit else {
                        throw part.error("adds more than \(Self.tokenLimit) tokens")
                    }
                }
            } else {
                let name = try fields.required("Sequence").object().required("id")
                guard try name.string() == "A", !isBehindText else {
                    throw part.unsupported("single", "with '\(try name.excerpt())' here", expected: "one sequence A")
                }
                isBehindText = true
            }
        }
        guard isBehindText else { throw part.unsupported("single", "without a sequence", expected: "one sequence A") }
        prefix = before + prefix
        suffix += after
    }
}
