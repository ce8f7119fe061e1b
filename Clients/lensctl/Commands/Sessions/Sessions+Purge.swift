import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Sessions {
    struct Purge: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete everything that a uid has in the store, for good (the administrator's).",
            discussion: """
                For accounts that are gone: nothing is deleted with them by itself, and the next account with the uid \
                does not get it. Where a uid has sessions of several accounts, one has to be named.

                Examples:
                  lensctl store accounts
                  lensctl sessions purge --uid 1001
                  lensctl sessions purge --uid 1001 --account anna
                """)

        @Option(help: "The uid.")
        var uid: UInt32
        @Option(help: "The account that had it; '' for none.")
        var account: String?
        @Flag(help: "What every account has that had this uid, the present one too.")
        var everyAccount = false
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func validate() throws {
            if everyAccount, account != nil {
                throw ValidationError("--account and --every-account exclude each other")
            }
        }

        func run(on console: Console) async throws {
            let choice = everyAccount ? AccountChoice.every : account.map(AccountChoice.named) ?? .only
            let connection = try global.connect()
            let reply = try await connection.purge(
                PurgeRequest(userID: uid, account: choice), options: CallOptions(timeout: Store.patience))
            console.answer(
                .object([
                    ("schema", .integer(1)), ("uid", .integer(Int(uid))), ("sessions", .integer(reply.sessionCount)),
                    ("runs", .integer(reply.runCount)),
                ])
            ) { _ in
                [StyledText("deleted \(reply.sessionCount) sessions of uid \(uid) with \(reply.runCount) runs")]
            }
        }
    }
}
