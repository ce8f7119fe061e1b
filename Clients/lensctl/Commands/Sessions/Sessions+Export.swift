import ArgumentParser
import LensCheckpoint
import LensClient
import LensCore
import LensTerminal

extension Sessions {
    struct Export: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write a session to one file, or as a report for people.",
            discussion: """
                The file is a zip that any tool opens: manifest.json, a JSON file per run with its recipe and its \
                whole result, and as safetensors the activations that --activations names, computed again. 'import' \
                reads it back, on this daemon or another. --html and --markdown write a report for people beside it, \
                or instead of it.

                Examples:
                  lensctl sessions export ioi
                  lensctl sessions export ioi --out ioi.zip --activations pattern0,resid_post0
                  lensctl sessions export alice/ioi --html ioi.html
                """)

        @Argument(help: "The session, NAME or OWNER/NAME.")
        var name: String
        @Argument(help: "Only these runs of it: ids or unique prefixes.")
        var runs: [String] = []
        @Option(help: ArgumentHelp("The file. Default: NAME.zip, unless a report is asked for.", valueName: "file"))
        var out: String?
        @Option(help: ArgumentHelp("Activations of each run, hook points by commas.", valueName: "hooks"))
        var activations: String?
        @Option(help: ArgumentHelp("Write a report as a page.", valueName: "file"))
        var html: String?
        @Option(help: ArgumentHelp("Write a report as Markdown.", valueName: "file"))
        var markdown: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        private var hooks: [String] {
            activations?.split(separator: ",").map { String($0.filter { $0 != " " }) } ?? []
        }

        func run(on console: Console) async throws {
            let connection = try global.connect()
            if let html {
                let report = try await connection.sessionReport(SessionReportRequest(session: name, isMarkdown: false))
                try OutputFile.write([report], to: html)
            }
            if let markdown {
                let report = try await connection.sessionReport(SessionReportRequest(session: name, isMarkdown: true))
                try OutputFile.write([report], to: markdown)
            }
            var written: (path: String, runs: Int)?
            if out != nil || (html == nil && markdown == nil) {
                let path = out ?? SessionFile.defaultPath(name)
                written = (path, try await write(to: path, connection, console))
            }
            let reports = [("html", html), ("markdown", markdown)]
            console.answer(
                .object(
                    [("schema", .integer(1)), ("session", .string(name))]
                        + (written.map { [("file", .string($0.path)), ("runs", .integer($0.runs))] } ?? [])
                        + reports.compactMap { kind, path in path.map { (kind, .string($0)) } })
            ) { terminal in
                var lines: [StyledText] = []
                if let written {
                    let count = "\(written.runs) \(written.runs == 1 ? "run" : "runs")"
                    lines.append(StyledText("\(count) written to \(terminal.visible(line: written.path))"))
                }
                for case (_, let path?) in reports {
                    lines.append(StyledText("report: \(terminal.visible(line: path))"))
                }
                return lines
            }
        }

        /// - Returns: how many runs were written.
        private func write(to path: String, _ connection: LensConnection, _ console: Console) async throws -> Int {
            let progress = Progress("exporting", on: console)
            defer { progress.finish() }
            let zip = try ZipWriter(path: path)
            var session: (SessionSummary, version: String)?
            var total = 0
            var entries: [(id: String, file: String, activations: String?)] = []
            var json: [UInt8] = []
            for try await event in try connection.exportSession(ExportSessionRequest(name: name, runs: runs)) {
                try Task.checkCancellation()
                switch event {
                case .session(let summary, let runs, let version):
                    session = (summary, version)
                    total = runs
                case .part(let part):
                    json += part.json
                    guard part.isLast else { continue }
                    let head = try JSONValue(parsing: json, file: "a run").object()
                    let id = try head.required("id").string()
                    guard id.utf8.count == 32, id.allSatisfy(\.isHexDigit) else {
                        throw LensError(.internal, "the daemon sent a run with the id '\(id.prefix(64))'")
                    }
                    let file = SessionFile.runName(entries.count + 1, id)
                    try zip.add(file, json)
                    var tensors: String?
                    if !hooks.isEmpty, try !head.required("hooked").bool() {
                        tensors = SessionFile.activationsName(id)
                        try zip.add(
                            SessionFile.activationsName(id), try await activations(of: "\(name):\(id)", connection))
                    }
                    entries.append((id, file, tensors))
                    json = []
                    progress.update(done: entries.count, total: total)
                }
            }
            guard let session else { throw LensError(.internal, "the daemon exported no session") }
            let manifest = SessionFile.manifest(session.0, lensdVersion: session.version, runs: entries)
            try zip.add(SessionFile.manifest, Array(manifest.text.utf8))
            try zip.finish()
            return entries.count
        }

        /// A run's activations as a safetensors file.
        private func activations(of run: String, _ connection: LensConnection) async throws -> [UInt8] {
            var values: [String: [UInt8]] = [:]
            var tensors: [StoredTensor] = []
            for hook in hooks {
                for activation in try await connection.query(QueryRequest(source: .run(run), hook: hook)) {
                    let header = activation.header
                    let tensor = StoredTensor(
                        name: "\(header.hook).\(header.prompt)",
                        elementType: header.elementType == .int32 ? .int32 : .float32, shape: header.shape)
                    guard values.updateValue(activation.bytes, forKey: tensor.name) == nil else {
                        throw LensError.invalidArgument("--activations names \(header.hook) twice")
                    }
                    tensors.append(tensor)
                }
            }
            return try SafetensorsWriter.file(of: tensors) { values[$0.name] ?? [] }
        }
    }
}

extension SessionFile {
    /// `ioi.zip` of `ioi` and of `alice/ioi`; what a file's name cannot hold becomes `_`.
    static func defaultPath(_ session: String) -> String {
        let name = session.split(separator: "/").last.map(String.init) ?? session
        let safe = name.hasPrefix(".") || name.hasPrefix("-") ? "_" + name : name
        return safe.replacing("/", with: "_") + ".zip"
    }
}
