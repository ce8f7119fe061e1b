import ArgumentParser

struct Models: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "List, describe, load, unload, rename, import and verify the daemon's models; show their weights.",
        discussion: """
            NAME has TransformerLens's default weight processing, NAME@raw has the checkpoint's own weights; \
            both can be asked for at any time. The daemon knows the models of its flags and its configuration, and \
            every folder in its state folder's 'models'; one that is not in memory is loaded when somebody asks for it.

            Examples:
              lensctl models
              lensctl models describe tinytales-1l
              lensctl models parameter blocks.0.attn.W_Q
              lensctl models load gpt2
              lensctl models import ~/Downloads/TinyStories-1Layer-21M
            """,
        subcommands: [
            List.self, Describe.self, Parameter.self, Load.self, Unload.self, Rename.self, Import.self, Verify.self,
        ],
        defaultSubcommand: List.self)
}
