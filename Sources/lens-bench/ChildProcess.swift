import Glibc

/// A program that the benchmark started, without output.
final class ChildProcess {
    private let pid: pid_t
    private var status: Int32?

    init(_ program: String, _ arguments: [String]) throws {
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
        var copies = ([program] + arguments).map { strdup($0) } + [nil]
        defer { for copy in copies { free(copy) } }
        var pid = pid_t()
        let failed = posix_spawn(&pid, program, &actions, nil, &copies, environ)
        guard failed == 0 else { throw BenchError("cannot start \(program): \(String(cString: strerror(failed)))") }
        self.pid = pid
    }

    /// Waits for the end; the exit status, or 128 and more after a signal.
    func wait() -> Int32 {
        if let status { return status }
        var raw: Int32 = 0
        while waitpid(pid, &raw, 0) < 0 && errno == EINTR {}
        let result = raw & 0x7f == 0 ? (raw >> 8) & 0xff : 128 + (raw & 0x7f)
        status = result
        return result
    }

    /// The most memory that the program has had resident.
    func peakResidentBytes() throws -> Int {
        guard let file = fopen("/proc/\(pid)/status", "r") else { throw BenchError("cannot read /proc/\(pid)/status") }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
            guard text.hasPrefix("VmHWM:") else { continue }
            let number = text.split(separator: " ").compactMap { Int($0) }.first
            if let number { return number * 1024 }
        }
        throw BenchError("/proc/\(pid)/status has no VmHWM")
    }

    /// Asks the program to end, and waits.
    func terminate() {
        guard status == nil else { return }
        kill(pid, SIGTERM)
        _ = wait()
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}

/// Cores that this process may run on.
func availableCores() -> Int { max(sysconf(Int32(_SC_NPROCESSORS_ONLN)), 1) }
