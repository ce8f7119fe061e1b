import ArgumentParser
import LensCore

struct CorpusCommand: ConsoleCommand {
    static let configuration = CommandConfiguration(
        commandName: "corpus",
        abstract: "Run an analysis over a file of prompts, row by row into a file; goes on after an interruption.",
        discussion: """
            The file has one prompt per line or, named .jsonl, an object with "text" or "tokens" per line, whose other \
            fields become columns; "answer", "wrong" and "corrupted" are what attributions and patching are about. Rows reach --out (.jsonl, \
            .csv or .parquet) as they come; a journal beside it says how far it is. The same command again goes on \
            from there, after Ctrl-C or kill -9 too, and refuses a file that another question began. Little is kept \
            in memory, however long the file.

            It is the Python package's lensd.corpus, which takes analyses of your own and clusters of machines too; \
            .parquet needs its extra 'parquet'. LENSD_PYTHON names the Python that has them.

            Examples:
              lensctl corpus prompts.jsonl --out losses.csv
              lensctl corpus stories.txt --analysis ablation --kind mean --out heads.parquet
              lensctl corpus ioi.jsonl --analysis attribution --by head --out heads.jsonl
              lensctl corpus ioi.jsonl --analysis patching --hook z --over layer,head --out patching.csv
              lensctl corpus stories.txt --analysis reduction --hook pattern --to entropy --out entropies.csv
              lensctl corpus stories.txt --edit "zero z0 head=8" --out without.csv
            """)

    @Argument(help: ArgumentHelp("The prompts, .txt or .jsonl.", valueName: "file"))
    var file: String
    @Option(help: ArgumentHelp("Where the rows go: .jsonl, .csv or .parquet.", valueName: "file"))
    var out: String
    @Option(help: "What is asked of each prompt.")
    var analysis: Analysis = .losses
    @OptionGroup(title: "Of an analysis") var asked: CorpusQuestion
    @OptionGroup(title: "Edits under which prompts run") var edits: EditOptions
    @Option(help: ArgumentHelp("How many prompts are under way at a time.", valueName: "n"))
    var workers = 2
    @Flag(help: "Begin again, whatever is there.")
    var restart = false
    @Flag(help: "Write a row with an error for a prompt that cannot be run, and go on; not in .csv.")
    var keepErrors = false
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    enum Analysis: String, ExpressibleByArgument, CaseIterable {
        case losses
        case tokenLosses = "token-losses"
        case ablation, patching, lens, attribution, reduction, why
        case headScores = "head-scores"
        case headKinds = "head-kinds"
        case detection
    }

    func validate() throws {
        guard [".jsonl", ".csv", ".parquet"].contains(where: out.hasSuffix) else {
            throw ValidationError("--out ends in .jsonl, .csv or .parquet; received '\(out)'")
        }
        guard (1...64).contains(workers) else { throw ValidationError("--workers is 1 to 64; received \(workers)") }
    }

    func run(on console: Console) async throws {
        // What is wrong with these is said before Python starts.
        _ = try global.modelReference()
        _ = try edits.words()
        let isParquet = out.hasSuffix(".parquet")
        let python = try await PythonProgram.find(
            with: isParquet ? ["pyarrow"] : [], extra: isParquet ? "parquet" : nil)
        // It takes this process over: what interrupts or kills lensctl does so to the work.
        try python.replaceProcess(["-m", "lensd.corpus"] + arguments())
    }

    /// What the Python program is asked.
    private func arguments() throws -> [String] {
        var arguments = ["--out=\(out)", "--analysis=\(analysis.rawValue)", "--workers=\(workers)"] + asked.arguments
        arguments += edits.file.map { ["--edits=\($0)"] } ?? []
        // As JSON, of which no other reader is needed there.
        arguments += try edits.lines.map { "--edit=\(JSON.edit(try EditWords(parsing: $0)).text)" }
        let model = global.model ?? Environment["LENSD_MODEL"]
        let places = [("socket", global.socket), ("session", global.session), ("model", model)]
        arguments += places.compactMap { name, value in value.map { "--\(name)=\($0)" } }
        let flags = [("restart", restart), ("keep-errors", keepErrors), ("json", global.json)]
        arguments += flags.compactMap { name, isSet in isSet ? "--\(name)" : nil }
        return arguments + ["--", file]
    }
}
