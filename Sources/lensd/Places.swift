import Glibc
import LensCore

/// Where the daemon listens, keeps its state and finds its model when nobody says.
enum Places {
    /// `$LENSD_SOCKET`, else `$XDG_RUNTIME_DIR/lensd/lensd.sock`, else for root `/run/lensd/lensd.sock`; the folder
    /// `lensd` is made where it is missing.
    ///
    /// - Throws: status 64 where none of these is known, 77 or 1 where the folder cannot be made.
    static func socket(_ environment: Environment) throws(StartupError) -> String {
        if let path = environment["LENSD_SOCKET"] { return path }
        let folder: String
        let mode: mode_t
        if let runtime = environment.folder("XDG_RUNTIME_DIR") {
            (folder, mode) = (runtime + "/lensd", 0o700)
        } else if geteuid() == 0 {
            // The machine's daemon: others may look for its socket, whose own mode decides who may connect.
            (folder, mode) = ("/run/lensd", 0o755)
        } else {
            throw StartupError(
                .usage, "no place for the socket: give --socket PATH, or set LENSD_SOCKET or XDG_RUNTIME_DIR")
        }
        guard mkdir(folder, mode) == 0 || errno == EEXIST else {
            let reason = errno
            throw StartupError(
                reason == EACCES || reason == EPERM ? .notAllowed : .failure,
                "cannot make the socket's folder \(folder): \(String(cString: strerror(reason)))")
        }
        return folder + "/lensd.sock"
    }

    /// `$LENSD_STATE`, else `$XDG_STATE_HOME/lensd`, else `~/.local/state/lensd`.
    ///
    /// - Throws: status 64 where none of these is known.
    static func state(_ environment: Environment) throws(StartupError) -> String {
        if let path = environment["LENSD_STATE"] { return path }
        if let home = environment.folder("XDG_STATE_HOME") { return home + "/lensd" }
        if let home = environment.folder("HOME") { return home + "/.local/state/lensd" }
        throw StartupError(.usage, "no place for sessions: give --state DIR, or set LENSD_STATE or HOME")
    }

    /// The model that is served when no other is named, looked for in `$LENSD_MODELS`, in `../share/lensd/models` of
    /// the executable, then in `Models` of every folder above it.
    ///
    /// - Throws: status 65 that says where it was looked for.
    static func embeddedModel(_ environment: Environment) throws(StartupError) -> ModelArgument {
        let name = "tinytales-1l"
        var candidates: [String] = []
        if let folder = environment["LENSD_MODELS"] { candidates.append(folder) }
        if let executable = executablePath() {
            var folder = parent(of: executable)
            candidates.append(parent(of: folder) + "/share/lensd/models")
            while !folder.isEmpty {
                folder = parent(of: folder)
                candidates.append(folder + "/Models")
            }
        }
        for candidate in candidates where access("\(candidate)/\(name)/config.json", R_OK) == 0 {
            return ModelArgument(name: name, folder: "\(candidate)/\(name)")
        }
        throw StartupError(
            .badInput,
            "the embedded model \(name) was not found; give --model NAME=DIR, or set LENSD_MODELS to the folder "
                + "that has it. Looked in: \(candidates.joined(separator: ", "))")
    }

    /// The file that runs, links resolved.
    private static func executablePath() -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink("/proc/self/exe", &buffer, buffer.count)
        return count > 0 ? String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self) : nil
    }

    /// What stands before the last slash; empty for the root.
    private static func parent(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }
}
