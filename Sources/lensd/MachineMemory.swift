import Glibc

/// How much memory there is for this process.
enum MachineMemory {
    /// Bytes: the machine's, or less where the process's control group is bounded.
    static var bytes: Int {
        let machine = Int(sysconf(CInt(_SC_PHYS_PAGES))) * Int(sysconf(CInt(_SC_PAGESIZE)))
        return groupLimit.map { min($0, machine) } ?? machine
    }

    /// The smallest `memory.max` on the way from the process's control group to the root (cgroup v2).
    private static var groupLimit: Int? {
        guard let line = text(at: "/proc/self/cgroup")?.split(separator: "\n").first(where: { $0.hasPrefix("0::/") })
        else { return nil }
        var group = String(line.dropFirst(3))
        var limits: [Int] = []
        while true {
            if let text = text(at: "/sys/fs/cgroup\(group)/memory.max"),
                let limit = Int(text.prefix { $0.isNumber })
            {
                limits.append(limit)
            }
            guard let slash = group.lastIndex(of: "/") else { return limits.min() }
            group = String(group[..<slash])
        }
    }

    private static func text(at path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
    }
}
