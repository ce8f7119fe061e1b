import ArgumentParser
import Glibc
import LensCheckpoint
import LensCore
import LensTerminal

struct Pull: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Download a model from Hugging Face and make it a model of your daemon.",
        discussion: """
            MODEL is OWNER/NAME, or a name of TransformerLens's such as gpt2-small. Only what is needed is downloaded, \
            by Python's huggingface_hub into its cache; a pytorch_model.bin is then converted here by a reader that \
            knows tensors and nothing else. As 'lensctl models import' does, which it ends with.

            It needs the Python package lensd with its extra 'hub'. LENSD_PYTHON names the Python that has them; \
            HF_HOME, HF_ENDPOINT and HF_TOKEN are huggingface_hub's.

            Examples:
              lensctl pull roneneldan/TinyStories-1Layer-21M
              lensctl pull tiny-stories-1L-21M --name stories
              lensctl pull EleutherAI/pythia-70m --revision step3000 --name pythia-step3000
            """)

    @Argument(help: ArgumentHelp("A repository, or TransformerLens's name for one.", valueName: "model"))
    var model: String
    @Option(help: "What the daemon is to call it. Default: the last part of what it is called here, in lower case.")
    var name: String?
    @Option(help: ArgumentHelp("A branch, tag or commit. Default: main.", valueName: "revision"))
    var revision: String?
    @Flag(help: "Replace a model of that name.")
    var replace = false
    @Option(
        help: ArgumentHelp("The state's folder. Default: $LENSD_STATE, else $XDG_STATE_HOME/lensd.", valueName: "dir"))
    var state: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    func validate() throws {
        guard !model.isEmpty else { throw ValidationError("expected OWNER/NAME, or a name such as gpt2-small") }
        if let name {
            do { try ModelReference.check(name: name) } catch { throw ValidationError(error.message) }
        }
    }

    func run(on console: Console) async throws {
        guard let name = name ?? ModelImport.modelName(from: model) else {
            throw ValidationError("no name can be made of '\(model)'; give --name")
        }
        // Better said before an hour of downloading than after it.
        let daemon = try OwnDaemon(socket: global.socket, state: state)
        try await daemon.connect()?.checkIsImportable(name)
        let folder = daemon.state + "/models/" + name
        guard replace || access(folder, F_OK) != 0 else {
            throw LensError(
                .alreadyExists,
                "there is a model '\(name)' in \(folder); --replace replaces it, --name gives another name")
        }
        let download = try await download(console)
        let arguments =
            [download.folder, "--name", name] + (replace ? ["--replace"] : [])
            + (state.map { ["--state", $0] } ?? []) + (global.socket.map { ["--socket", $0] } ?? [])
            + (global.json ? ["--json"] : [])
        let imported = try await Models.Import.parse(arguments).importModel(on: console)
        console.answer(
            .object([
                ("schema", .integer(1)), ("repository", .string(download.repository)),
                ("revision", .string(download.revision)), ("model", .string(imported.name)),
                ("folder", .string(imported.folder)),
            ])
        ) { terminal in
            [
                StyledText(
                    terminal.visible(
                        line: "\(download.repository) at \(download.revision.prefix(12)): model '\(imported.name)'")),
                StyledText(terminal.visible(line: "lensctl --model \(imported.name) run \"Once upon a time\""), .faint),
            ]
        }
    }

    /// What `python -m lensd.pull --json` answers.
    private struct Download {
        let repository: String
        let revision: String
        let folder: String

        /// - Throws: `INTERNAL` where it is something else.
        init(parsing output: [UInt8]) throws(LensError) {
            do {
                let answer = try NamedBytes(name: "lensd.pull's answer", bytes: output).object()
                repository = try answer.required("repository").string()
                revision = try answer.required("revision").string()
                folder = try answer.required("folder").string()
            } catch {
                throw LensError(.internal, error.message)
            }
        }
    }

    private func download(_ console: Console) async throws -> Download {
        let python = try await PythonProgram.find(with: ["huggingface_hub"], extra: "hub")
        let revision = revision.map { ["--revision=\($0)"] } ?? []
        let (output, ending) = try await python.run(["-m", "lensd.pull", "--json"] + revision + ["--", model])
        try Task.checkCancellation()
        switch ending {
        case .exit(0): return try Download(parsing: output)
        case .exit(let code):
            // It has said on standard error what is wrong.
            if global.json { console.write(String(decoding: output, as: UTF8.self)) }
            throw ExitCode(ExitStatus(rawValue: code)?.rawValue ?? ExitStatus.failure.rawValue)
        case .signal:
            throw LensError(.internal, "lensd.pull ended by \(ending)")
        }
    }
}
