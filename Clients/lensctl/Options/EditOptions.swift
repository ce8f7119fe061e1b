import ArgumentParser
import LensCore

/// The edits of a pass: written on the command line, or in a file of objects with the same words.
struct EditOptions: ParsableArguments {
    @Option(
        name: .customLong("edit"),
        help: ArgumentHelp("Edit an activation, such as 'zero z0 head=8'; may be repeated.", valueName: "edit"))
    var lines: [String] = []

    @Option(
        name: .customLong("edits"),
        help: ArgumentHelp(
            "Edits from a JSON file: [{\"action\": \"zero\", \"hook\": \"z0\", \"head\": 8}].", valueName: "file"))
    var file: String?

    /// The edits in their order: those of the file first.
    ///
    /// - Throws: `INVALID_ARGUMENT` that shows the edit and the word that is wrong.
    func words() throws(LensError) -> [EditWords] {
        var words = try file.map { (path) throws(LensError) in try EditWords.list(inFileAt: path) } ?? []
        for line in lines { words.append(try EditWords(parsing: line)) }
        return words
    }

    /// How edits are written, for the help of commands that take them.
    static var syntax: String {
        let width = (EditSyntax.examples.map(\.edit.count).max() ?? 0) + 2
        let examples = EditSyntax.examples.map { example in
            let padding = String(repeating: " ", count: width - example.edit.count)
            return "  \(example.edit)\(padding)\(example.meaning)"
        }
        return """
            An edit is ACTION HOOK [VALUE] [WORD=CHOICE]…:
            \(examples.joined(separator: "\n"))
            Where: layer, prompt, head, pos, source, component, as 3, 0,2 or 2:5; -1 is \
            the last. A value is a number or a float32 or float64 .npy file, broadcast \
            as NumPy does. Edits happen in the order of the pass.
            """
    }
}

extension [EditWords] {
    /// The edits that the words mean, their files read.
    func specs() throws(LensError) -> [InterventionSpec] {
        var specs: [InterventionSpec] = []
        for words in self { specs.append(try words.spec(reading: LocalFiles())) }
        return specs
    }
}

/// The files that edits name, from the user's own disk.
private struct LocalFiles: EditFiles {
    func operand(at path: String) throws(LensError) -> Operand {
        try NumpyArray(at: path).operand()
    }

    func prompts(at path: String) throws(LensError) -> [Prompt] {
        try Corpus.prompts(at: path, prependBOS: true)
    }
}
