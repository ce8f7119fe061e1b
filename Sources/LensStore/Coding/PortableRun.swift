import FoundationEssentials
import LensCore

/// A recorded run as a session's file has it: one JSON object, its numbers for people and programs to read.
///
/// `recipe` and `result` are complete: what is read back is what was written, bit by bit. The rest of the members
/// repeats, for readers, what follows from these two, and is not looked at when the file comes back.
package enum PortableRun {
    static let schema = 1
    /// The most bytes of one run.
    package static let largestRecord = 48 << 20
    /// The most values of one run's JSON, which bound the memory that reading takes.
    private static let mostValues = 6 << 20

    private struct Head: Codable {
        var schema: Int
        var id: String
        var kind: String
        var createdAt: Double
        var note: String
        var lensdVersion: String
        var hooked: Bool
        var imported: Bool
        var excerpt: String
        var loss: Double
        var detail: String
        var edits: [String]
        var effects: [Effect]

        struct Effect: Codable {
            var place: String
            var delta: Double
        }

        enum CodingKeys: String, CodingKey {
            case schema, id, kind, note, hooked, imported, excerpt, loss, detail, edits, effects
            case createdAt = "created_at"
            case lensdVersion = "lensd_version"
        }
    }

    private struct StoredRecipe: Codable {
        var model: String
        var fingerprint: String
        var tokens: [[Int32]]
        var interventions: StoredInterventions
    }

    private struct Body<Result: Codable>: Codable {
        var recipe: StoredRecipe
        var result: Result
    }

    // MARK: - Writing

    package static func encode(_ record: RunRecord) throws(LensError) -> [UInt8] {
        let summary = record.summary
        let head = Head(
            schema: schema, id: record.id, kind: summary.kind.rawValue, createdAt: summary.createdAt,
            note: summary.note, lensdVersion: record.lensdVersion, hooked: summary.isHooked,
            imported: summary.isImported, excerpt: summary.excerpt, loss: summary.loss, detail: summary.detail,
            edits: summary.edits, effects: summary.effects.map { Head.Effect(place: $0.place, delta: $0.delta) })
        let recipe = StoredRecipe(
            model: record.recipe.model.description, fingerprint: record.recipe.fingerprint,
            tokens: record.recipe.tokens, interventions: InterventionsCoding.stored(record.recipe.interventions))
        let body: Data =
            switch record.result {
            case .run(let reply): try encode(recipe, ResultCoding.stored(reply))
            case .sweep(let reply, let sweep): try encode(recipe, SweepCoding.stored(reply, of: sweep))
            case .generation(let reply): try encode(recipe, ResultCoding.stored(reply))
            }
        // One object of the two.
        return Array(try StoredJSON.encode(head, isPlain: true).dropLast() + [UInt8(ascii: ",")] + body.dropFirst())
    }

    private static func encode<Result: Codable>(
        _ recipe: StoredRecipe, _ result: Result
    ) throws(LensError) -> Data {
        try StoredJSON.encode(Body(recipe: recipe, result: result), isPlain: true)
    }

    // MARK: - Reading

    /// Reads what a stranger may have written. What follows from the recipe and the result is not taken from the file.
    ///
    /// - Throws: `INVALID_ARGUMENT` that says what is wrong, `UNIMPLEMENTED` for another schema.
    package static func decode(_ bytes: [UInt8]) throws(LensError) -> ImportedRun {
        try checkSize(bytes)
        let data = Data(bytes)
        let head = try StoredJSON.decodePlain(Head.self, from: data)
        guard head.schema == schema else {
            throw .unimplemented("a run of a session's file has schema \(head.schema); this lensd reads \(schema)")
        }
        do throws(LensError) {
            let run: NewRun
            switch RunSummary.Kind(rawValue: head.kind) {
            case .run:
                run = try self.run(head, try StoredJSON.decodePlain(Body<StoredRun>.self, from: data)) {
                    (stored, summary, recipe) throws(LensError) in
                    .run(try ResultCoding.reply(stored, of: summary, recipe: recipe))
                }
            case .sweep:
                run = try self.run(head, try StoredJSON.decodePlain(Body<StoredSweep>.self, from: data)) {
                    (stored, summary, recipe) throws(LensError) in
                    let (reply, sweep) = try SweepCoding.result(stored, summary, recipe)
                    return .sweep(reply, of: sweep)
                }
            case .generation:
                run = try self.run(head, try StoredJSON.decodePlain(Body<StoredGeneration>.self, from: data)) {
                    (stored, summary, recipe) throws(LensError) in
                    .generation(try ResultCoding.reply(stored, of: summary, recipe: recipe))
                }
            case nil: throw .invalidArgument("a run is of the unknown kind \(head.kind.quotedForMessage)")
            }
            return ImportedRun(
                run: run, createdAt: try checkedMoment(head.createdAt), note: try NoteText(checking: head.note).text,
                lensdVersion: try checkedVersion(head.lensdVersion))
        } catch {
            // What would be a damaged store is a wrong file here.
            guard error.code == .dataLoss else { throw error }
            throw .invalidArgument("the run does not hold together: \(error.message)")
        }
    }

    private static func run<Stored>(
        _ head: Head, _ body: Body<Stored>,
        _ read: (Stored, RunSummary, Recipe) throws(LensError) -> RunResult
    ) throws(LensError) -> NewRun {
        let recipe = try checked(body.recipe)
        let summary = RunSummary(
            id: "", kind: .run, session: "", createdAt: 0, model: recipe.model.description,
            fingerprint: recipe.fingerprint, promptCount: 0, tokenCount: 0, excerpt: "", loss: .nan)
        let result = try read(body.result, summary, recipe)
        try check(result)
        guard head.excerpt.unicodeScalars.count <= 16 * NewRun.excerptLength else {
            throw .invalidArgument("a run's excerpt has \(head.excerpt.unicodeScalars.count) characters")
        }
        return NewRun(
            session: "", recipe: recipe, result: result, excerpt: head.excerpt, isHooked: head.hooked)
    }

    // MARK: - Checking

    /// Before anything is parsed: a parser's memory grows with the number of values.
    private static func checkSize(_ bytes: [UInt8]) throws(LensError) {
        guard bytes.count <= largestRecord else {
            throw .invalidArgument("a run has at most \(largestRecord) bytes; received \(bytes.count)")
        }
        var values = 0
        for byte in bytes where byte == 0x2C || byte == 0x5B || byte == 0x7B { values += 1 }
        guard values <= mostValues else {
            throw .invalidArgument("a run holds at most \(mostValues) values; received about \(values)")
        }
    }

    private static func checked(_ stored: StoredRecipe) throws(LensError) -> Recipe {
        let isHex = stored.fingerprint.utf8.allSatisfy {
            (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
        }
        guard (1...128).contains(stored.fingerprint.utf8.count), isHex else {
            throw .invalidArgument(
                "a fingerprint has 1 to 128 hexadecimal digits; received \(stored.fingerprint.quotedForMessage)")
        }
        let model = try ModelReference(parsing: stored.model)
        guard model.name != nil else { throw .invalidArgument("the recipe's model has no name") }
        let recipe = Recipe(
            fingerprint: stored.fingerprint, model: model, tokens: stored.tokens,
            interventions: try InterventionsCoding.interventions(stored.interventions))
        guard (1...65_536).contains(recipe.tokens.count) else {
            throw .invalidArgument("a recipe has 1 to 65536 prompts; received \(recipe.tokens.count)")
        }
        for (index, prompt) in recipe.tokens.enumerated() where prompt.isEmpty || prompt.contains(where: { $0 < 0 }) {
            throw .invalidArgument("prompt \(index) is empty or has a negative token")
        }
        guard recipe.size <= Recipe.maximumSize else { throw Recipe.tooLarge }
        guard recipe.depth <= Recipe.maximumDepth else { throw Recipe.tooDeep }
        return recipe
    }

    /// Numbers that belong together: whoever reads them later counts on it.
    private static func check(_ result: RunResult) throws(LensError) {
        switch result {
        case .run(let reply):
            for (index, prompt) in reply.prompts.enumerated() {
                guard prompt.perTokenLoss.isEmpty || prompt.perTokenLoss.count == prompt.tokens.count - 1 else {
                    throw .invalidArgument(
                        "prompt \(index) has \(prompt.perTokenLoss.count) losses for \(prompt.tokens.count) tokens")
                }
            }
        case .generation(let reply):
            try reply.options.check(vocabulary: .max)
        case .sweep(let reply, let sweep):
            guard !reply.metrics.isEmpty, reply.metrics.map(\.metric) == sweep.metrics,
                sweep.edits.count == reply.hooks.count, (1...16).contains(sweep.edits.count)
            else { throw .invalidArgument("a sweep's metrics or edits are not those of its result") }
            for axis in reply.axes where axis.entries.isEmpty || axis.entries.contains(where: { $0 < 0 }) {
                throw .invalidArgument("a sweep's axis '\(axis.axis.rawValue)' is empty or has negative entries")
            }
        }
    }

    private static func checkedMoment(_ seconds: Double) throws(LensError) -> Double {
        guard seconds.isFinite, (0...1e11).contains(seconds) else {
            throw .invalidArgument("created_at is in seconds since 1970; received \(seconds)")
        }
        return seconds
    }

    private static func checkedVersion(_ version: String) throws(LensError) -> String {
        guard version.unicodeScalars.count <= 64, version.unicodeScalars.allSatisfy(\.isPrintable) else {
            throw .invalidArgument("lensd_version is \(version.quotedForMessage)")
        }
        return version
    }
}

/// A run from a file, checked as far as that goes without its model.
package struct ImportedRun: Sendable {
    /// Without a session's name.
    package var run: NewRun
    /// Seconds since 1970.
    package var createdAt: Double
    package var note: String
    package var lensdVersion: String
}
