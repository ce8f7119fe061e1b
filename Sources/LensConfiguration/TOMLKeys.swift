/// A table's values by key, each held against what is expected there.
struct TOMLKeys {
    private let table: TOMLTable
    private let known: [String]

    init(_ table: TOMLTable, known: [String]) {
        self.table = table
        self.known = known
    }

    /// - Throws: the first key that is not known.
    func checkNames() throws(TOMLReader.Failure) {
        for entry in table.entries where !known.contains(entry.key) {
            throw TOMLReader.Failure(
                line: entry.line,
                message: "unknown key '\(entry.key)'; expected one of \(known.joined(separator: ", "))")
        }
    }

    /// A value if it is there.
    ///
    /// - Parameters:
    ///   - expected: what it must be, for the error.
    ///   - read: `nil` for what it must not be.
    func value<Value>(
        _ key: String, _ expected: String, _ read: (TOMLValue) -> Value?
    ) throws(TOMLReader.Failure) -> Value? {
        guard let entry = table[key] else { return nil }
        guard let value = read(entry.value) else {
            throw TOMLReader.Failure(
                line: entry.line, message: "'\(key)' must be \(expected); received \(entry.value.kind)")
        }
        return value
    }

    func required<Value>(
        _ key: String, _ expected: String, _ read: (TOMLValue) -> Value?
    ) throws(TOMLReader.Failure) -> Value {
        guard let value = try value(key, expected, read) else {
            throw TOMLReader.Failure(line: table.line, message: "'\(key)' is missing: \(expected)")
        }
        return value
    }

    func path(_ key: String) throws(TOMLReader.Failure) -> String? {
        try value(key, "an absolute path") { Self.absolutePath($0) }
    }

    func boolean(_ key: String) throws(TOMLReader.Failure) -> Bool? {
        try value(key, "true or false") { if case .boolean(let value) = $0 { value } else { nil } }
    }

    func integer(_ key: String, in range: ClosedRange<Int>) throws(TOMLReader.Failure) -> Int? {
        try value(key, "a number in \(range.lowerBound)...\(range.upperBound)") { value in
            guard case .integer(let number) = value, range.contains(number) else { return nil }
            return number
        }
    }

    func size(_ key: String) throws(TOMLReader.Failure) -> ByteCount? {
        try value(key, "a size such as \"8G\" or \"512M\"") { value in
            guard case .string(let text) = value else { return nil }
            return ByteCount(text)
        }
    }

    /// One of an enumeration's raw values.
    func choice<Choice: CaseIterable & RawRepresentable<String>>(
        _ key: String
    ) throws(TOMLReader.Failure) -> Choice? {
        let names = Choice.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", ")
        return try value(key, "one of \(names)") { value in
            guard case .string(let text) = value else { return nil }
            return Choice(rawValue: text)
        }
    }

    func table(_ key: String) throws(TOMLReader.Failure) -> TOMLTable? {
        try value(key, "written as [\(key)]") { if case .table(let table) = $0 { table } else { nil } }
    }

    /// Every element of a list; none where the key is missing.
    func list<Element>(
        _ key: String, _ expected: String, _ read: (TOMLValue) -> Element?
    ) throws(TOMLReader.Failure) -> [Element]? {
        guard let entry = table[key] else { return nil }
        guard case .array(let values) = entry.value else {
            throw TOMLReader.Failure(
                line: entry.line, message: "'\(key)' must be a list of \(expected); received \(entry.value.kind)")
        }
        var elements: [Element] = []
        for value in values {
            guard let element = read(value) else {
                throw TOMLReader.Failure(
                    line: entry.line, message: "'\(key)' must list \(expected) that there are; received \(value.kind)")
            }
            elements.append(element)
        }
        return elements
    }

    func tables(_ key: String) throws(TOMLReader.Failure) -> [TOMLTable] {
        try value(key, "written as [[\(key)]]") { if case .tables(let tables) = $0 { tables } else { nil } } ?? []
    }

    static func absolutePath(_ value: TOMLValue) -> String? {
        guard case .string(let path) = value, path.hasPrefix("/"), !path.utf8.contains(0) else { return nil }
        return path
    }
}
