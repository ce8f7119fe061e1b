import ArgumentParser

struct Models: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List the models that the daemon serves and their shapes.",
        discussion: """
            NAME has TransformerLens's default weight processing, NAME@raw has the checkpoint's own weights; \
            both can be asked for at any time.

            Examples:
              lensctl models
              lensctl models --json
            """,
        subcommands: [List.self, Import.self], defaultSubcommand: List.self)
}
