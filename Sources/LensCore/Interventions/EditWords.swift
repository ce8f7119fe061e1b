/// An edit in the words that people write: `zero z0 head=8`, `set resid_pre0 direction.npy pos=-1`.
///
/// The shell, JSON and Python use the same words. Files are still named here; ``spec(reading:)`` reads them.
public struct EditWords: Sendable, Hashable {
    /// What an action takes right behind its hook point.
    public enum Value: Sendable, Hashable {
        case number(Float)
        /// A file of values, by its path.
        case file(String)
        case array(Operand)
    }

    /// What stands before a `=`.
    public enum Word: String, Sendable, CaseIterable {
        case layer, prompt, head, pos, source, component
        case from
        case fromText = "from_text"
        case fromPrompt = "from_prompt"
        case fromPos = "from_pos"
        case over, with

        /// Words that every edit takes: they say where.
        static let places: [Word] = [.layer, .prompt, .head, .pos, .source, .component]
    }

    /// One of the words of ``InterventionAction/name``.
    public var action: String
    public var hook: String
    public var value: Value?
    /// In no order; what stands behind the `=`.
    public var words: [Word: String]

    public init(action: String, hook: String, value: Value? = nil, words: [Word: String] = [:]) {
        self.action = action
        self.hook = hook
        self.value = value
        self.words = words
    }
}

/// Reads the files that edits name; who runs without files refuses.
public protocol EditFiles {
    /// The values of an array in a file.
    func operand(at path: String) throws(LensError) -> Operand
    /// The prompts of a corpus.
    func prompts(at path: String) throws(LensError) -> [Prompt]
}

extension EditWords {
    /// The edit that the words mean.
    ///
    /// - Throws: `INVALID_ARGUMENT` that shows the edit and the word that is wrong; what `files` throws.
    public func spec(reading files: some EditFiles) throws(LensError) -> InterventionSpec {
        do throws(LensError) {
            let action = try meaning(files)
            return InterventionSpec(
                hook: hook, layers: try indices(.layer), action: action,
                selection: Selection(
                    prompts: try indices(.prompt), heads: try indices(.head), positions: try indices(.pos),
                    sources: try indices(.source), components: try indices(.component)))
        } catch {
            throw LensError(error.code, "in the edit '\(self)': \(error.message)", cause: error.cause)
        }
    }

    private func meaning(_ files: some EditFiles) throws(LensError) -> InterventionSpec.Action {
        switch action {
        case "zero":
            try check(takesValue: false)
            return .zero
        case "mask":
            try check(takesValue: false)
            return .mask
        case "mean":
            try check(takesValue: false, .over, .from)
            if let path = words[.over] {
                guard words[.from] == nil else { throw .invalidArgument("a mean takes 'over' or 'from', not both") }
                return .meanOf(.prompts(try files.prompts(at: path)))
            }
            return words[.from].map { .meanOf(.run($0)) } ?? .mean
        case "set": return .set(try operand(files))
        case "add": return .add(try operand(files))
        case "project": return .project(try operand(files))
        case "scale":
            try check(takesValue: true)
            guard case .number(let factor)? = value else { throw .invalidArgument("'scale' takes a number") }
            return .scale(factor)
        case "patch":
            try check(takesValue: false, .from, .fromText, .fromPrompt, .fromPos)
            return .patch(
                try patchSource(), prompt: try words[.fromPrompt].map { (text) throws(LensError) in try number(text) },
                positions: try indices(.fromPos))
        case "swap":
            try check(takesValue: false, .with)
            guard let other = words[.with] else {
                throw .invalidArgument("a swap names the other prompt: with=1")
            }
            return .swap(prompt: try number(other))
        default:
            throw .invalidArgument(
                "'\(action)' is no action; expected one of \(EditSyntax.actions.joined(separator: ", "))")
        }
    }

    // MARK: - Parts

    private func operand(_ files: some EditFiles) throws(LensError) -> Operand {
        try check(takesValue: true)
        switch value {
        case .number(let number): return try Operand(number)
        case .array(let operand): return operand
        case .file(let path): return try files.operand(at: path)
        case nil: throw .invalidArgument("'\(action)' takes a number or a .npy file")
        }
    }

    private func patchSource() throws(LensError) -> InterventionSpec.Source {
        switch (words[.from], words[.fromText]) {
        case (let run?, nil): return .run(run)
        case (nil, let text?): return .prompts([.text(text, prependBOS: true)])
        default: throw .invalidArgument("a patch says where it takes from: from=RUN or from_text='TEXT'")
        }
    }

    private func indices(_ word: Word) throws(LensError) -> Indices? {
        guard let text = words[word] else { return nil }
        do throws(LensError) {
            return try Indices(parsing: text)
        } catch {
            throw .invalidArgument("\(word.rawValue): \(error.message)")
        }
    }

    /// The number of a prompt.
    private func number(_ text: String) throws(LensError) -> Int {
        guard let number = UInt32(text) else {
            throw .invalidArgument("a prompt is numbered from 0; received '\(text)'")
        }
        return Int(number)
    }

    private func check(takesValue: Bool, _ own: Word...) throws(LensError) {
        guard (value != nil) == takesValue else {
            throw .invalidArgument(
                takesValue
                    ? "'\(action)' takes a \(action == "scale" ? "number" : "number or a .npy file") behind the hook point"
                    : "'\(action)' takes no value; received '\(EditSyntax.text(value))'")
        }
        let taken = Word.places + own
        // In the order of the table, so that the message does not change from run to run.
        if let extra = Word.allCases.first(where: { words[$0] != nil && !taken.contains($0) }) {
            throw .invalidArgument(
                "'\(extra.rawValue)' means nothing to '\(action)', which takes "
                    + taken.map(\.rawValue).joined(separator: ", "))
        }
    }
}
