import Glibc
import LensCore
import LensTerminal

/// Holds what a daemon says of itself against this program and this machine.
struct DaemonCheck {
    let status: DaemonStatus
    let socket: String

    func run() -> [Finding] { [version, kernels, memory, descriptors, quota].compactMap { $0 } + models }

    private var version: Finding {
        let check = "versions"
        let restart = "'lensctl down && lensctl up' for your own daemon, 'systemctl restart lensd' for the machine's"
        guard status.version.lensd == lensdVersion else {
            return .trouble(
                check, "lensctl is \(lensdVersion), and lensd \(status.version.lensd) runs",
                advice: "install the same version of both, then restart: \(restart)")
        }
        let program = Self.link("/proc/\(status.processID)/exe")
        if let program, program.hasSuffix(" (deleted)") {
            return .trouble(
                check, "lensd's program was replaced since it started: \(program.dropLast(10))",
                advice: "restart the daemon: \(restart)")
        }
        return .good(check, "lensctl and lensd are \(lensdVersion)")
    }

    /// A processor that OpenBLAS does not know gets its slowest kernels.
    private var kernels: Finding {
        let check = "kernels"
        let blas = status.version.blas
        let slow = ["Prescott", "Core2", "Generic", "Athlon"].first {
            blas.lowercased().contains("(\($0.lowercased()))")
        }
        let flags = TextFacts.lines("/proc/cpuinfo").first { $0.hasPrefix("flags") }?.split(separator: " ") ?? []
        guard let slow, flags.contains("avx2") else { return .good(check, blas) }
        return .trouble(
            check, "OpenBLAS computes with \(slow)'s kernels, at a tenth of what this processor can",
            advice: "start lensd without OPENBLAS_CORETYPE, or with OPENBLAS_CORETYPE="
                + (flags.contains("avx512f") ? "SKYLAKEX" : "HASWELL"))
    }

    private var memory: Finding? {
        let check = "memory"
        let free = TextFacts.lines("/proc/meminfo").first { $0.hasPrefix("MemAvailable:") }
            .flatMap { $0.split(separator: " ").dropFirst().first }.flatMap { Int($0) }.map { $0 * 1024 }
        guard let free else { return nil }
        let wanted = max(0, status.weightBudgetBytes - status.weightBytes)
        guard wanted <= free else {
            return .trouble(
                check,
                "the budget for weights leaves \(DecimalText.bytes(wanted)) for further models, and the machine has "
                    + "\(DecimalText.bytes(free)) free",
                advice: "give lensd a smaller 'memory' (--memory), or end what else takes the memory")
        }
        return .good(check, "\(DecimalText.bytes(free)) free, \(DecimalText.bytes(wanted)) left for models")
    }

    private var descriptors: Finding {
        let check = "file descriptors"
        let limit = TextFacts.lines("/proc/\(status.processID)/limits").first { $0.hasPrefix("Max open files") }
            .flatMap { $0.split(separator: " ").dropFirst(3).first }.flatMap { Int($0) }
        guard let limit else { return .unknown(check, "the limits of process \(status.processID) cannot be read") }
        let needed = 4 * status.quota.connections + 64
        guard limit >= needed else {
            return .trouble(
                check, "lensd may open \(limit) files; four users with all their connections need \(needed)",
                advice: "raise LimitNOFILE in its unit, or 'ulimit -Hn' where it is started")
        }
        return .good(check, "lensd may open \(limit)")
    }

    /// Whether the user is about to be refused something.
    private var quota: Finding {
        let check = "quota"
        let (own, quota) = (status.own, status.quota)
        let rows = [
            ("connections", own.connections, quota.connections, "close programs that use lensd"),
            ("sessions", own.sessions, quota.sessions, "delete some: 'lensctl sessions list', '… delete NAME'"),
            (
                "bytes of recorded runs", own.storedBytes, quota.storedBytes,
                "delete sessions: 'lensctl sessions list', '… delete NAME'"
            ),
        ]
        for (what, used, allowed, advice) in rows where allowed > 0 && used * 10 >= allowed * 9 {
            return .trouble(check, "you have \(used) of \(allowed) \(what)", advice: advice)
        }
        return .good(check, "nothing is near its limit")
    }

    private var models: [Finding] {
        let failed = status.modelStates.filter { $0.note.hasPrefix("could not be loaded") }
        guard !failed.isEmpty else { return [.good("models", "\(status.models.count) in memory")] }
        return failed.map { state in
            .trouble(
                "models", "model '\(state.name)' \(state.note)",
                advice: "mend its folder, then 'lensctl models load \(state.name)'")
        }
    }

    private static func link(_ path: String) -> String? {
        var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
        let count = readlink(path, &buffer, buffer.count)
        guard count > 0 else { return nil }
        return String(decoding: buffer.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}

/// Small text files, such as those of `/proc`.
enum TextFacts {
    /// None where the file cannot be read.
    static func lines(_ path: String) -> [String] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes.prefix(max(0, count)), as: UTF8.self).split(separator: "\n").map(String.init)
    }
}
