import ArgumentParser
import LensClient
import LensCore
import LensTerminal

extension Store {
    struct Reassign: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Give what an account left to another: when an account was renamed, or has another uid now.",
            discussion: """
                A uid that was given to another account does not have what the former one left. Where it is the same \
                person, this says so. The new holder must not have sessions of their own yet.

                Examples:
                  lensctl store reassign --uid 1001 --to anna
                  lensctl store reassign --uid 1001 --account berta --to 2001
                """)

        @Option(help: "The uid that the sessions were made under.")
        var uid: UInt32
        @Option(help: "The account that had it then; needed where several have left sessions.")
        var account: String?
        @Option(help: "Who has them from now on: an account's name or a uid.")
        var to: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            guard let newUserID = SystemAccount.userID(to) else {
                throw ValidationError("--to must be an account's name or a uid; received '\(to)'")
            }
            let connection = try global.connect()
            let choice = account.map(AccountChoice.named) ?? .only
            let result = try await connection.reassign(
                ReassignRequest(userID: uid, account: choice, newUserID: newUserID))
            console.answer(.object([("schema", .integer(1)), ("account", JSON.storedAccount(result))])) { terminal in
                let name = result.name.isEmpty ? "" : " (\(terminal.visible(line: result.name)))"
                return [StyledText("uid \(result.userID)\(name) has \(result.sessionCount) sessions now")]
            }
        }
    }
}
