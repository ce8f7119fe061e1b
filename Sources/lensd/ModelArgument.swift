import ArgumentParser
import LensCore

/// `NAME=DIR`: a folder and the name under which its model is served.
struct ModelArgument: Sendable, Hashable {
    let name: String
    let folder: String

    init(name: String, folder: String) {
        self.name = name
        self.folder = folder
    }

    /// - Throws: a usage error that says what was expected and what came.
    init(parsing argument: String) throws {
        let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[1].isEmpty else {
            throw ValidationError("a model is given as NAME=DIR; received '\(argument)'")
        }
        do {
            try ModelReference.check(name: String(parts[0]))
        } catch {
            throw ValidationError(error.message)
        }
        self.init(name: String(parts[0]), folder: String(parts[1]))
    }
}
