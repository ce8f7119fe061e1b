import FoundationEssentials
import LensCore

/// Edits as JSON objects, with the words of the command line: `{"action": "zero", "hook": "z0", "head": [0, 2]}`.
extension EditWords {
    /// The edits of a file, an array of objects.
    ///
    /// - Throws: `INVALID_ARGUMENT` that names the file, the edit and the member that is wrong.
    package static func list(inFileAt path: String) throws(LensError) -> [EditWords] {
        try list(json: TextFile.text(at: path, limit: TextFile.largestEdits), name: path)
    }

    /// - Parameter name: what errors call the text.
    package static func list(json text: String, name: String) throws(LensError) -> [EditWords] {
        guard let records = try? JSONDecoder().decode([[String: Member]].self, from: Data(text.utf8)) else {
            throw .invalidArgument(
                "'\(name)' must hold a JSON array of edits: [{\"action\": \"zero\", \"hook\": \"z0\", \"head\": 8}]")
        }
        var edits: [EditWords] = []
        for (number, record) in records.enumerated() {
            do throws(LensError) {
                edits.append(try EditWords(record))
            } catch {
                throw .invalidArgument("edit \(number + 1) of '\(name)': \(error.message)")
            }
        }
        return edits
    }

    private init(_ record: [String: Member]) throws(LensError) {
        func text(_ key: String) throws(LensError) -> String {
            guard case .text(let text)? = record[key] else { throw .invalidArgument("expected a string \"\(key)\"") }
            return text
        }
        self.init(action: try text("action"), hook: try text("hook"))
        for (key, member) in record.sorted(by: { $0.key < $1.key }) where key != "action" && key != "hook" {
            if key == "value" {
                value = try member.value()
                continue
            }
            guard let word = Word(rawValue: key) else {
                throw .invalidArgument(
                    "\"\(key)\" is no word of an edit; expected action, hook, value or one of "
                        + Word.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard let choice = member.choice else {
                throw .invalidArgument("\"\(key)\" is an index, a list of them, or a string such as \"2:5\"")
            }
            words[word] = choice
        }
    }

    /// A value of an object, of the kinds that an edit has.
    private enum Member: Decodable {
        case number(Double)
        case text(String)
        case list([Member])

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Double.self) {
                self = .number(number)
            } else if let text = try? container.decode(String.self) {
                self = .text(text)
            } else {
                self = .list(try container.decode([Member].self))
            }
        }

        private var integer: Int? { if case .number(let number) = self { Int(exactly: number) } else { nil } }

        /// As it would be written behind a `=`.
        var choice: String? {
            switch self {
            case .number: return integer.map(String.init)
            case .text(let text): return text
            case .list(let members):
                let integers = members.compactMap(\.integer)
                return integers.count == members.count ? Indices.list(integers).description : nil
            }
        }

        /// A number, a file's name, or nested lists of numbers.
        func value() throws(LensError) -> EditWords.Value {
            switch self {
            case .number(let number): return .number(Float(number))
            case .text(let path): return .file(path)
            case .list:
                var values: [Float] = []
                let shape = try shape(&values, depth: 0)
                return .array(try Operand(shape: shape, values: values))
            }
        }

        private func shape(_ values: inout [Float], depth: Int) throws(LensError) -> [Int] {
            switch self {
            case .number(let number):
                values.append(Float(number))
                return []
            case .list(let members) where depth < 8:
                var inner: [Int]?
                for member in members {
                    let shape = try member.shape(&values, depth: depth + 1)
                    guard inner == nil || inner == shape else {
                        throw .invalidArgument("the lists of \"value\" must have equal lengths")
                    }
                    inner = shape
                }
                return [members.count] + (inner ?? [])
            default: throw .invalidArgument("\"value\" is a number, a .npy file, or nested lists of numbers")
            }
        }
    }
}

extension JSON {
    /// An edit as it would be read from a file.
    package static func edit(_ edit: EditWords) -> JSON {
        var members: [(String, JSON)] = [("action", .string(edit.action)), ("hook", .string(edit.hook))]
        switch edit.value {
        case .number(let number): members.append(("value", .float(number)))
        case .file(let path): members.append(("value", .string(path)))
        case .array(let operand): members.append(("value", .tensor(operand.values, shape: operand.shape)))
        case nil: break
        }
        for word in EditWords.Word.allCases {
            if let choice = edit.words[word] { members.append((word.rawValue, .choice(choice, of: word))) }
        }
        return .object(members)
    }

    private static func choice(_ text: String, of word: EditWords.Word) -> JSON {
        // An id may consist of digits only.
        let isName = [.from, .fromText, .over].contains(word)
        switch isName ? nil : try? Indices(parsing: text) {
        case .index(let index)?: return .integer(index)
        case .list(let list)?: return .integers(list)
        default: return .string(text)
        }
    }
}
