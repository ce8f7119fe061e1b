import FoundationEssentials
import Glibc

/// A folder of one test, gone with it.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path =
            FileManager.default.temporaryDirectory.path
            + "/lensd-store-\(getpid())-\(UInt64.random(in: 0...UInt64.max))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
    }

    /// Names of what lies in the state folder below, without the lock and SQLite's index of the log.
    func files(in state: String = "state") -> [String] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: path + "/" + state)) ?? []
        return names.filter { $0 != "lensd.lock" && !$0.hasSuffix("-shm") }.sorted()
    }

    func contents(_ name: String, in state: String = "state") -> Data? {
        FileManager.default.contents(atPath: "\(path)/\(state)/\(name)")
    }

    func write(_ data: Data, to name: String, in state: String = "state") throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(state)", withIntermediateDirectories: true)
        try data.write(to: URL(filePath: "\(path)/\(state)/\(name)"))
    }

    /// Copies the files as they are at this moment, as `kill -9` would leave them.
    func snapshot(_ state: String = "state", to other: String) throws {
        try FileManager.default.createDirectory(atPath: "\(path)/\(other)", withIntermediateDirectories: true)
        for name in files(in: state) {
            try FileManager.default.copyItem(atPath: "\(path)/\(state)/\(name)", toPath: "\(path)/\(other)/\(name)")
        }
    }
}
