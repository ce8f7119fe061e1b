import ArgumentParser

struct Sessions: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Named workspaces that keep what was run: list, share, note, search, move, run again.",
        discussion: """
            NAME is a session of yours; one that another user shares with you is OWNER/NAME, to be read, exported and \
            replayed, not written. RUN is an id, a unique prefix of one, 'last', or SESSION:RUN, here and wherever \
            else a run is asked for.

            Examples:
              lensctl sessions
              lensctl sessions show default
              lensctl sessions note last "head 8 again"
              lensctl sessions share ioi --with alice
              lensctl sessions export ioi --activations pattern0
              lensctl sessions replay ioi
              lensctl query bob/ioi:last pattern0
            """,
        subcommands: [
            List.self, Show.self, Create.self, Rename.self, Delete.self, Share.self, Unshare.self, Note.self,
            Search.self, Export.self, Import.self, Replay.self, Purge.self,
        ], defaultSubcommand: List.self)
}
