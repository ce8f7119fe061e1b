import ArgumentParser

struct Store: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Look after what all users keep: usage, backups, soundness (its administrator's).",
        discussion: """
            These are for root and the user that lensd runs as. Restoring is lensd's own, while no daemon runs: \
            'lensd --restore FILE', with the daemon's --state or --config. What one account has is deleted by \
            'lensctl sessions purge'.

            Examples:
              lensctl store
              lensctl store backup /var/backups/lensd.sqlite
              lensctl store check
              lensctl store reassign --uid 1001 --to anna
            """,
        subcommands: [Accounts.self, Backup.self, Check.self, Reassign.self], defaultSubcommand: Accounts.self)

    /// Copying and looking through a large store takes its time.
    static let patience = Duration.seconds(3600)
}
