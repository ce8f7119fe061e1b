import ArgumentParser
import Glibc
import LensCheckpoint
import LensClient
import LensCore
import LensTerminal

extension Models {
    struct Import: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a checkpoint that you have a model of your daemon.",
            discussion: """
                DIR is a folder as Hugging Face has them (config.json, tokenizer.json, and weights as safetensors or as \
                pytorch_model.bin, in one file or in shards), or a file of weights in such a folder. Each file is \
                checked and copied into the state's folder; a pytorch_model.bin is converted by a reader that knows \
                tensors and nothing else: no code in it ever runs.

                A daemon of your own reads and serves the model at once, or says what is wrong with it; then nothing is \
                kept. On a machine whose daemon is somebody else's, --out \
                makes a folder that its administrator can register.

                Examples:
                  lensctl models import ~/Downloads/TinyStories-1Layer-21M
                  lensctl models import ./pytorch_model.bin --name mine --replace
                  lensctl models import gpt2 --out /tmp/gpt2-for-lensd
                """)

        @Argument(help: ArgumentHelp("A model's folder, or its file of weights.", valueName: "dir|file"))
        var source: String
        @Option(help: "The model's name. Default: the folder's, in lower case.")
        var name: String?
        @Flag(help: "Replace a model of that name.")
        var replace = false
        @Option(help: ArgumentHelp("Make this folder and register nothing.", valueName: "dir"))
        var out: String?
        @Option(
            help: ArgumentHelp(
                "The state's folder. Default: $LENSD_STATE, else $XDG_STATE_HOME/lensd.", valueName: "dir"))
        var state: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func validate() throws {
            if let name { try checked(name) }
        }

        /// What became of a checkpoint.
        struct Imported: Sendable {
            let name: String
            let folder: String
            /// What one's own daemon serves now; `nil` where none runs, or it is not to know.
            let served: ModelDescription?
        }

        func run(on console: Console) async throws {
            let imported = try await importModel(on: console)
            answer(imported, on: console)
        }

        /// Makes the folder and has the daemon read it; says nothing but notices.
        func importModel(on console: Console) async throws -> Imported {
            let progress = Progress("importing", on: console)
            let control = CallControl()
            let watch = ReadingWatch(control: control) { done, total in
                progress.update(done: done >> 20, total: total >> 20)
            }
            let model = try ModelImport(from: source, watch: watch)
            guard let name = name ?? out.flatMap(ModelImport.modelName(from:)) ?? model.suggestedName else {
                throw ValidationError("no name can be made of '\(source)'; give --name")
            }
            for notice in model.notices { console.remark("lensctl: \(notice)") }
            let daemon = out == nil ? try OwnDaemon(socket: global.socket, state: state).connect() : nil
            try await daemon?.checkIsImportable(name)
            let target = try out ?? modelsFolder() + "/" + name
            do {
                defer { progress.finish() }
                try await withTaskCancellationHandler {
                    try model.write(to: target, replacing: replace, in: out == nil ? .stateFolder : .elsewhere)
                } onCancel: {
                    control.cancel()
                }
            } catch let error as LensError where error.code == .alreadyExists && !replace {
                throw LensError(.alreadyExists, "\(error.message); --replace replaces it, --name gives another name")
            }
            let folder = resolved(target)
            var served: ModelDescription?
            if let daemon { served = try await serve(name, from: folder, by: daemon, on: console) }
            return Imported(name: name, folder: folder, served: served)
        }

        /// Has one's own daemon read the model.
        ///
        /// - Throws: what the daemon has against it. A model that it can never serve is removed again; otherwise the folder
        ///   stays, for whoever wants to look.
        private func serve(
            _ name: String, from folder: String, by daemon: LensConnection, on console: Console
        ) async throws -> ModelDescription {
            do throws(LensError) {
                // One of that name that is in memory already would stay what it was.
                if replace { _ = try? await daemon.unloadModel(name) }
                return try await daemon.loadModel(name, showing: Progress("loading \(name)", on: console))
            } catch {
                if error.code == .invalidArgument || error.code == .unimplemented {
                    ModelImport.remove(folder)
                    throw LensError(
                        error.code, "the daemon cannot serve it, and nothing of it is kept: \(error.message)")
                }
                let way = error.code == .permissionDenied ? ". For somebody else's daemon make a folder with --out" : ""
                throw LensError(
                    error.code,
                    "the folder \(folder) is written, but the daemon does not serve it: \(error.message)\(way)")
            }
        }

        private func checked(_ name: String) throws {
            do { try ModelReference.check(name: name) } catch { throw ValidationError(error.message) }
        }

        /// The state folder's `models`, made where it is missing.
        private func modelsFolder() throws -> String {
            let daemon = try OwnDaemon(socket: global.socket, state: state)
            try daemon.makeStateFolder()
            let folder = daemon.state + "/models"
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST, giveToOwner(of: daemon.state, folder) else {
                let code = errno
                throw LensError(
                    code == EACCES || code == EPERM ? .permissionDenied : .failedPrecondition,
                    "cannot make the folder '\(folder)': \(SystemError.text(code))")
            }
            return folder
        }

        /// What root makes in the state folder of a daemon that runs as another user is that user's, who must read it.
        private func giveToOwner(of state: String, _ folder: String) -> Bool {
            var (above, own) = (stat(), stat())
            guard stat(state, &above) == 0, lstat(folder, &own) == 0 else { return false }
            guard geteuid() == 0, own.st_uid == 0, above.st_uid != 0 else { return true }
            return lchown(folder, above.st_uid, above.st_gid) == 0
        }

        /// An absolute path, for whoever is told it.
        private func resolved(_ path: String) -> String {
            guard let resolved = realpath(path, nil) else { return path }
            defer { free(resolved) }
            return String(cString: resolved)
        }

        private func answer(_ imported: Imported, on console: Console) {
            console.answer(
                .object([
                    ("schema", .integer(1)), ("model", .string(imported.name)), ("folder", .string(imported.folder)),
                    ("served", .bool(imported.served != nil)),
                ])
            ) { terminal in
                var lines = ["model '\(imported.name)': \(imported.folder)"]
                if imported.served != nil {
                    lines.append("served by your daemon: lensctl --model \(imported.name) run TEXT")
                } else if out == nil {
                    lines.append("No daemon of yours runs; 'lensctl up' starts one that knows the model.")
                } else {
                    lines.append("The administrator of a machine's daemon registers it:")
                    lines.append(
                        "  sudo lensctl models import \(imported.folder) --name \(imported.name) --state /var/lib/lensd"
                    )
                }
                return lines.map { StyledText(terminal.visible(line: $0)) }
            }
        }
    }
}
