import ArgumentParser
import LensCore

/// The command-line client of lensd.
@main
struct Lensctl: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lensctl",
        abstract: "Look inside a language model that lensd keeps resident.",
        discussion: """
            A daemon of your own is started by 'lensctl up'; the machine's, where there is one, is found by itself. \
            TEXT may be '-' for standard input. Every command takes --json and --help.

            Examples:
              lensctl up
              lensctl run "Once upon a time"
              lensctl query last pattern0 --head 3
              lensctl ablate "Once upon a time, there was a little girl." --html page.html

            Exit codes: 0 good, 64 bad usage, 65 bad input, 69 no daemon, 75 busy or late (try again), \
            77 not allowed, 130 after Ctrl-C, 1 anything else.

            Completions for a shell: lensctl --generate-completion-script bash (or zsh, fish).
            """,
        version: "lensctl \(lensdVersion)",
        groupedSubcommands: [
            CommandGroup(
                name: "Daemon:",
                subcommands: [
                    Up.self, Down.self, Reload.self, Logs.self, Status.self, Top.self, Doctor.self, Version.self,
                    Models.self,
                    Pull.self,
                ]),
            CommandGroup(
                name: "Model:",
                subcommands: [
                    Tokens.self, Run.self, Query.self, Generate.self, Attention.self, Explore.self,
                ]),
            CommandGroup(name: "Experiments:", subcommands: [Ablate.self, Patch.self, Heads.self, Study.self]),
            CommandGroup(
                name: "Analyses:",
                subcommands: [
                    Lens.self, Attribute.self, Why.self, Detect.self, Reduce.self, Circuits.self, Compose.self,
                    CorpusCommand.self,
                ]),
            CommandGroup(name: "Records:", subcommands: [Sessions.self, Store.self]),
        ])

    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    static func main() async {
        await Invocation(arguments: Array(CommandLine.arguments.dropFirst())).execute()
    }
}

/// A command that answers on a console.
protocol ConsoleCommand: AsyncParsableCommand {
    var global: GlobalOptions { get }

    /// - Throws: `LensError` for what the daemon or the input refuses, `ValidationError` for bad usage.
    func run(on console: Console) async throws
}

extension ConsoleCommand {
    mutating func run() async throws {
        try await run(on: Console(isJSON: global.json))
    }
}
