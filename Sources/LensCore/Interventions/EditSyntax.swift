/// How an edit stands in one line: `ACTION HOOK [VALUE] [WORD=CHOICE]…`, words in quotes where they hold spaces.
public enum EditSyntax {
    /// The words of all actions.
    public static let actions = ["zero", "mean", "set", "add", "scale", "patch", "swap", "project", "mask"]

    /// One line of help for each action: an example and what it does.
    public static let examples: [(edit: String, meaning: String)] = [
        ("zero z0 head=8", "set to zero"),
        ("mean z head=8 layer=0,2", "the mean over positions instead"),
        ("mean z0 over=corpus.txt", "the mean over other prompts instead"),
        ("set resid_pre0 dir.npy pos=-1", "these values instead; or a number"),
        ("add resid_post0 dir.npy", "steer: values added"),
        ("scale mlp_out0 0.5 pos=3:7", "multiply"),
        ("patch z0 head=8 from=last", "what another run has there"),
        ("patch z0 from_text='A cat'", "what another text has there"),
        ("swap z0 head=3 with=1 prompt=0", "exchange with another prompt"),
        ("project resid_post0 dir.npy", "take a direction out"),
        ("mask pattern0 source=0", "do not see these sources"),
    ]

    static func text(_ value: EditWords.Value?) -> String {
        switch value {
        case .number(let number): "\(number)"
        case .file(let path): quoted(path)
        case .array(let operand): "(\(operand.values.count) values)"
        case nil: ""
        }
    }

    /// In quotes where the text would not stand as one word.
    static func quoted(_ text: String) -> String {
        let isPlain = !text.isEmpty && !text.contains { $0.isWhitespace || $0 == "'" || $0 == "\"" }
        return isPlain ? text : text.contains("'") ? "\"\(text)\"" : "'\(text)'"
    }
}

extension EditWords {
    /// Reads a line.
    ///
    /// - Throws: `INVALID_ARGUMENT` that shows the line and the word that is wrong.
    public init(parsing line: String) throws(LensError) {
        do throws(LensError) {
            try self.init(words: Self.split(line))
        } catch {
            throw .invalidArgument("in the edit '\(line)': \(error.message)")
        }
    }

    private init(words parts: [String]) throws(LensError) {
        guard let action = parts.first, EditSyntax.actions.contains(action) else {
            let received = parts.first.map { "; received '\($0)'" } ?? ""
            throw .invalidArgument(
                "an edit begins with one of \(EditSyntax.actions.joined(separator: ", "))\(received)")
        }
        guard parts.count > 1, Self.assignment(parts[1]) == nil else {
            throw .invalidArgument("expected a hook point behind '\(action)', such as z0 or blocks.0.hook_mlp_out")
        }
        self.init(action: action, hook: parts[1])
        for part in parts.dropFirst(2) {
            guard let (name, choice) = Self.assignment(part) else {
                guard value == nil, words.isEmpty else {
                    throw .invalidArgument("expected a word such as head=3; received '\(part)'")
                }
                value = Float(part).map { .number($0) } ?? .file(part)
                continue
            }
            guard let word = Word(rawValue: name) else {
                throw .invalidArgument(
                    "'\(name)' is no word of an edit; expected one of "
                        + Word.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard words.updateValue(choice, forKey: word) == nil else {
                throw .invalidArgument("'\(name)' is given twice")
            }
        }
    }

    /// The two sides of `head=3`; a path such as `./a=b.npy` is none.
    private static func assignment(_ part: String) -> (name: String, choice: String)? {
        guard let equals = part.firstIndex(of: "="), equals != part.startIndex else { return nil }
        let name = part[..<equals]
        guard name.allSatisfy({ $0.isASCII && $0.isLetter || $0 == "_" }) else { return nil }
        return (String(name), String(part[part.index(after: equals)...]))
    }

    /// Words apart, quotes gone.
    private static func split(_ line: String) throws(LensError) -> [String] {
        var parts: [String] = []
        var current: String?
        var quote: Character?
        for character in line {
            if let open = quote {
                if character == open { quote = nil } else { current?.append(character) }
            } else if character == "'" || character == "\"" {
                quote = character
                current = current ?? ""
            } else if character.isWhitespace {
                if let part = current { parts.append(part) }
                current = nil
            } else {
                current = (current ?? "") + String(character)
            }
        }
        if let quote { throw .invalidArgument("the quote \(quote) is not closed") }
        if let part = current { parts.append(part) }
        return parts
    }
}

extension EditWords: CustomStringConvertible {
    /// The line that it would be read from; values that were given as an array only by their number.
    public var description: String {
        let assignments = Word.allCases.compactMap { word in
            words[word].map { "\(word.rawValue)=\(EditSyntax.quoted($0))" }
        }
        return ([action, EditSyntax.quoted(hook), EditSyntax.text(value)] + assignments)
            .filter { !$0.isEmpty }.joined(separator: " ")
    }
}
