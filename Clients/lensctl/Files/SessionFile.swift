import LensCheckpoint
import LensCore

/// A session in one file: a zip that any tool opens, with `manifest.json`, a JSON file per run, and the activations
/// that were asked for as a safetensors file per run.
///
/// ```
/// manifest.json                  {"format":"lensd session","schema":1,"session":{…},"runs":[{"id":…,"file":…},…]}
/// runs/000001-ID.json            recipe and result of a run, oldest first
/// activations/ID.safetensors     "HOOK.PROMPT", such as "blocks.0.attn.hook_pattern.0"
/// ```
enum SessionFile {
    static let format = "lensd session"
    static let schema = 1
    static let manifest = "manifest.json"
    private static let largestManifest = 16 << 20

    static func runName(_ number: Int, _ id: String) -> String {
        let digits = String(number)
        return "runs/\(String(repeating: "0", count: max(6 - digits.count, 0)))\(digits)-\(id).json"
    }

    static func activationsName(_ id: String) -> String { "activations/\(id).safetensors" }

    static func manifest(
        _ session: SessionSummary, lensdVersion: String, runs: [(id: String, file: String, activations: String?)]
    ) -> JSON {
        .object([
            ("format", .string(format)), ("schema", .integer(schema)), ("lensd_version", .string(lensdVersion)),
            ("session", JSON.session(session)),
            (
                "runs",
                .array(
                    runs.map { run in
                        .object(
                            [("id", .string(run.id)), ("file", .string(run.file))]
                                + (run.activations.map { [("activations", .string($0))] } ?? []))
                    })
            ),
        ])
    }

    /// A file to import: nobody knows who wrote it.
    struct Reader {
        let name: String
        let note: String
        /// Where the JSON of each run stands, oldest first.
        let runs: [Range<Int>]
        private let file: CheckpointFile

        /// - Throws: `INVALID_ARGUMENT` for what is no session's file, `UNIMPLEMENTED` for one of another schema or
        ///   with compressed entries.
        init(path: String) throws(LensError) {
            file = try CheckpointFile(path: path, trust: .users)
            let archive = try ZipArchive(reading: file)
            guard let range = archive.entries[SessionFile.manifest], range.count <= SessionFile.largestManifest else {
                throw .invalidArgument("\(path) is no session's file: it has no \(SessionFile.manifest)")
            }
            let manifest = try JSONValue(parsing: file.bytes(in: range), file: SessionFile.manifest).object()
            guard try manifest.required("format").string() == SessionFile.format else {
                throw .invalidArgument("\(path) is no session's file: its format is another")
            }
            let schema = try manifest.required("schema").integer(in: 0...Int(Int32.max))
            guard schema == SessionFile.schema else {
                throw .unimplemented("\(path) has schema \(schema); this lensctl reads \(SessionFile.schema)")
            }
            let session = try manifest.required("session").object()
            name = try session.required("name").string()
            note = try session.required("note").string()
            var runs: [Range<Int>] = []
            try manifest.required("runs").forEachElement { (run) throws(LensError) in
                let entry = try run.object().required("file").string()
                guard let range = archive.entries[entry] else {
                    throw .invalidArgument("\(path) lacks '\(entry.prefix(100))', which its manifest names")
                }
                runs.append(range)
            }
            self.runs = runs
        }

        /// A run's JSON.
        func json(of run: Range<Int>) throws(LensError) -> [UInt8] { try file.bytes(in: run) }
    }
}
