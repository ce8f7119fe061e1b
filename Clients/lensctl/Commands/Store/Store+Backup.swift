import ArgumentParser
import Glibc
import LensClient
import LensCore
import LensTerminal

extension Store {
    struct Backup: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a copy of the store as it is at one moment, while calls go on.",
            discussion: """
                FILE is written whole or not at all, in place of an older one, and is readable for you alone: it has \
                what all users keep. In a folder it is called lensd-DATE.sqlite. For the time of the copy the daemon \
                needs as much room in its state folder as the store has. 'lensd --restore FILE' brings it back.

                Examples:
                  lensctl store backup /var/backups/lensd.sqlite
                  lensctl store backup /var/backups
                """)

        @Argument(help: "Where to: a file or a folder.")
        var file: String
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func run(on console: Console) async throws {
            let connection = try global.connect()
            let path = path()
            let size = try await connection.backup(to: path, showing: Progress("backing up", on: console))
            console.answer(
                .object([("schema", .integer(1)), ("file", .string(path)), ("bytes", .integer(size))])
            ) { terminal in [StyledText("\(terminal.visible(line: path))  \(DecimalText.bytes(size))")] }
        }

        private func path() -> String {
            var status = stat()
            guard stat(file, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return file }
            var now = time(nil)
            var parts = tm()
            gmtime_r(&now, &parts)
            var text = [CChar](repeating: 0, count: 32)
            strftime(&text, text.count, "%Y%m%dT%H%M%SZ", &parts)
            let date = String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
            return file + (file.hasSuffix("/") ? "" : "/") + "lensd-\(date).sqlite"
        }
    }
}

extension LensConnection {
    /// Fetches a backup into a file behind a progress bar; returns its size.
    fileprivate func backup(to path: String, showing progress: Progress) async throws(LensError) -> Int {
        defer { progress.finish() }
        // Before the daemon goes to the trouble.
        let file = try BackupFile(at: path)
        do throws(LensError) {
            var total: Int?
            var done = 0
            for try await event in try backup(options: CallOptions(timeout: Store.patience)) {
                switch event {
                case .size(let size): total = size
                case .bytes(let bytes):
                    try file.append(bytes)
                    done += bytes.count
                    progress.update(done: done, total: total ?? done)
                }
            }
            guard done == total else {
                throw LensError(.internal, "the daemon ended the backup after \(done) of \(total ?? 0) bytes")
            }
            try file.finish()
            return done
        } catch {
            file.discard()
            throw error
        }
    }
}
