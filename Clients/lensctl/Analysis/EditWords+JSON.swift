import LensClient
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
        var edits: [EditWords] = []
        for (number, record) in try EditRecord.list(json: text, name: name).enumerated() {
            do throws(LensError) {
                edits.append(try record.words())
            } catch {
                throw .invalidArgument("edit \(number + 1) of '\(name)': \(error.message)")
            }
        }
        return edits
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
