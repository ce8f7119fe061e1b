/// A table of a TOML file: its keys in order, each with the line it stands in.
struct TOMLTable: Sendable, Equatable {
    struct Entry: Sendable, Equatable {
        let key: String
        let value: TOMLValue
        let line: Int
    }

    /// Where its header stands; 1 for the file's own.
    let line: Int
    private(set) var entries: [Entry] = []

    init(line: Int) { self.line = line }

    subscript(key: String) -> Entry? { entries.first { $0.key == key } }

    mutating func append(_ key: String, _ value: TOMLValue, line: Int) {
        entries.append(Entry(key: key, value: value, line: line))
    }

    /// Appends to the array of tables of that key, which comes into being with its first.
    mutating func append(_ key: String, _ table: TOMLTable) -> Bool {
        guard let index = entries.firstIndex(where: { $0.key == key }) else {
            append(key, .tables([table]), line: table.line)
            return true
        }
        guard case .tables(let tables) = entries[index].value else { return false }
        entries[index] = Entry(key: key, value: .tables(tables + [table]), line: entries[index].line)
        return true
    }
}

/// A value of a TOML file, of the kinds that lensd's configuration has use for.
enum TOMLValue: Sendable, Equatable {
    case string(String)
    case integer(Int)
    case boolean(Bool)
    case array([TOMLValue])
    case table(TOMLTable)
    case tables([TOMLTable])

    /// As errors name it.
    var kind: String {
        switch self {
        case .string(let text): "the text \"\(text.prefix(40))\""
        case .integer(let number): "the number \(number)"
        case .boolean(let value): "\(value)"
        case .array: "a list"
        case .table: "a table"
        case .tables: "tables"
        }
    }
}
