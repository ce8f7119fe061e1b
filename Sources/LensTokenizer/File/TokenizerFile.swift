import LensCheckpoint
import LensCore

/// A `tokenizer.json` as the `tokenizers` library writes it, checked.
///
/// What an unknown component would do to a text is never guessed: the error names it. Its `truncation` and `padding` are
/// settings of a caller and left aside.
struct TokenizerFile {
    let normalizer: Normalizer
    let preTokenizer: PreTokenizer
    let model: BytePairModel
    let postProcessor: PostProcessor
    let decoder: Decoder
    /// As the file has them.
    let vocabulary: Vocabulary
    let addedTokens: [AddedTokens.Token]
    /// What decoding makes text of.
    let spellings: TokenSpellings
    /// Ids of added tokens by their content as the file has it.
    private let addedIDs: [[UInt8]: Int32]

    /// Ids are below this, four times over the largest real vocabularies.
    static let idLimit = 1 << 20

    /// Reads a file.
    ///
    /// - Throws: `UNIMPLEMENTED` naming a component that is not supported; `INVALID_ARGUMENT` for what is wrong in
    ///   itself.
    init(reading file: NamedBytes) throws(LensError) {
        let keys = try file.object()
        normalizer = try Normalizer(reading: keys.optional("normalizer"))
        preTokenizer = try PreTokenizer(reading: keys.optional("pre_tokenizer"))
        decoder = try Decoder(reading: keys.required("decoder"))
        let fields = try BytePairFile.fields(keys.required("model"))
        vocabulary = try BytePairFile.vocabulary(fields.required("vocab"))
        model = try BytePairFile.model(fields, vocabulary, spelledInBytes: preTokenizer.endsInBytes)
        let added = try AddedTokensFile(reading: keys.optional("added_tokens"), vocabulary, normalizer)
        addedTokens = added.tokens
        addedIDs = added.ids
        var count = 0
        for entry in vocabulary.entries { count = max(count, Int(entry.id) + 1) }
        for token in added.tokens { count = max(count, Int(token.id) + 1) }
        guard count <= 8 * (vocabulary.count + added.tokens.count) + 65536 else {
            throw try keys.required("model").error(
                "has \(vocabulary.count) tokens with ids up to \(count - 1); expected fewer gaps between them")
        }
        var spellings = TokenSpellings(count: count)
        for entry in vocabulary.entries { spellings.set(entry.id, to: entry.spelling) }
        for token in added.tokens { spellings.set(token.id, to: token.content) }
        self.spellings = spellings
        postProcessor = try PostProcessor(reading: keys.optional("post_processor"), ids: 0..<count)
    }

    /// The id of a token as it is spelled in the file.
    func id(of token: [UInt8]) -> Int32? {
        addedIDs[token] ?? vocabulary.id(of: token)
    }
}
