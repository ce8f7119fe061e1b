import ArgumentParser
import LensCore
import LensTensor

/// Measures lensd against limits that are measured in the same run.
@main
struct BenchCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lens-bench",
        abstract: "Measures lensd against limits measured in the same run, and prints the ratios.",
        discussion: """
            Limits are OpenBLAS's sgemm at a size where it peaks, on as many threads as the engine has, measured in \
            turn with the work; for generation the speed at which memory is read. Milliseconds belong to this machine; \
            ratios travel.

            Checkpoints with random weights of TinyStories-1Layer-21M's and GPT-Neo-125M's shapes (750 MB) are written \
            to --scratch. For a first look --small leaves them out.
            """,
        subcommands: [TokenizerPipe.self])

    @Option(help: "Folder for temporary files.")
    var scratch: String = "/tmp"

    @Option(help: "Write the figures to this file as JSON.")
    var json: String?

    @Option(help: "Repetitions of each measurement; medians are printed.")
    var repeats = 5

    @Flag(help: "Leave out the large models.")
    var small = false

    func validate() throws {
        guard (1...1000).contains(repeats) else {
            throw ValidationError("--repeats must be in 1...1000; received \(repeats)")
        }
    }

    func run() async throws {
        BLAS.restartWithBestKernels()
        let workspace = try Workspace(in: scratch)
        defer { workspace.remove() }
        var table = FigureTable()
        table.note("OpenBLAS", BLAS.description)
        if !small {
            try await LargeModelBench(
                workspace: workspace, shape: .a, title: "shape A", repeats: repeats,
                sweeps: [(32, 0.94), (128, 1.0), (512, 0.95)]
            ).measure(into: &table)
            try await LargeModelBench(
                workspace: workspace, shape: .twelveLayers, title: "12 layers", repeats: 2, sweeps: [(32, 0.94)]
            ).measure(into: &table)
        }
        try await DaemonBench(workspace: workspace, repeats: repeats, withLargeModel: !small).measure(into: &table)
        print(table.text)
        if let json { try Workspace.write(Array(table.json.utf8), to: json) }
    }
}
