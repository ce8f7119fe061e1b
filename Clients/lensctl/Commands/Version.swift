import ArgumentParser
import LensCore
import LensTerminal

struct Version: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say the versions of both sides.",
        discussion: """
            Without a daemon the client's version is printed and the exit code is 69; --version asks nobody.

            Examples:
              lensctl version
              lensctl --version
            """)

    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func run(on console: Console) async throws {
        do {
            let connection = try global.connect()
            let version = try await connection.status().version
            console.answer(
                .object([
                    ("schema", .integer(1)), ("lensctl", .string(lensdVersion)), ("lensd", .string(version.lensd)),
                    ("protocol", .integer(version.wireProtocol)), ("blas", .string(version.blas)),
                    ("sqlite", .string(version.sqlite)), ("socket", .string(connection.path)),
                ])
            ) { terminal in
                [
                    "lensctl \(lensdVersion)",
                    "lensd   \(version.lensd), protocol \(version.wireProtocol), at \(connection.path)",
                    "        \(version.blas)",
                    "        SQLite \(version.sqlite)",
                ].map { StyledText(terminal.visible(line: $0)) }
            }
        } catch {
            if error.code == .unavailable, !console.isJSON { console.write("lensctl \(lensdVersion)\n") }
            throw error
        }
    }
}
