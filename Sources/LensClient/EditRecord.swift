internal import FoundationEssentials
public import LensCore

/// One edit as a JSON object, with the words of the command line: `{"action": "zero", "hook": "z0", "head": [0, 2]}`.
public struct EditRecord: Decodable, Sendable {
    private let members: [String: Member]

    public init(from decoder: any Decoder) throws {
        members = try decoder.singleValueContainer().decode([String: Member].self)
    }

    /// An array of edits.
    ///
    /// - Parameter name: what the error calls the text.
    /// - Throws: `INVALID_ARGUMENT` where it is no array of objects with such members.
    public static func list(json text: String, name: String) throws(LensError) -> [EditRecord] {
        guard let records = try? JSONDecoder().decode([EditRecord].self, from: Data(text.utf8)) else {
            throw .invalidArgument(
                "'\(name)' must hold a JSON array of edits: [{\"action\": \"zero\", \"hook\": \"z0\", \"head\": 8}]")
        }
        return records
    }

    /// The edit in words.
    ///
    /// - Throws: `INVALID_ARGUMENT` that names the member that is wrong.
    public func words() throws(LensError) -> EditWords {
        var edit = EditWords(action: try text("action"), hook: try text("hook"))
        for (key, member) in members.sorted(by: { $0.key < $1.key }) where key != "action" && key != "hook" {
            if key == "value" {
                edit.value = try member.value()
                continue
            }
            guard let word = EditWords.Word(rawValue: key) else {
                throw .invalidArgument(
                    "\"\(key)\" is no word of an edit; expected action, hook, value or one of "
                        + EditWords.Word.allCases.map(\.rawValue).joined(separator: ", "))
            }
            guard let choice = member.choice else {
                throw .invalidArgument("\"\(key)\" is an index, a list of them, or a string such as \"2:5\"")
            }
            edit.words[word] = choice
        }
        return edit
    }

    private func text(_ key: String) throws(LensError) -> String {
        guard case .text(let text)? = members[key] else { throw .invalidArgument("expected a string \"\(key)\"") }
        return text
    }

    /// A value of an object, of the kinds that an edit has.
    private enum Member: Decodable, Sendable {
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
