import Glibc
import LensCore
import LensTerminal

/// Looks at the folder in which a daemon keeps its sessions.
struct StateCheck {
    let folder: String
    /// Whether it is for a daemon of the caller's own, not for the machine's.
    let isOwn: Bool

    /// Less than this is soon full.
    private static let leastFreeBytes = 256 << 20

    func run() -> [Finding] {
        let check = "state"
        var status = stat()
        guard stat(folder, &status) == 0 else {
            guard errno == ENOENT else {
                return [.unknown(check, "cannot look at \(folder): \(SystemError.text())")]
            }
            return [.good(check, "\(folder) is made when a daemon starts")]
        }
        guard status.st_mode & S_IFMT == S_IFDIR else {
            return [.trouble(check, "\(folder) is no folder", advice: "remove it, or name another with --state")]
        }
        var findings: [Finding] = []
        if status.st_mode & 0o022 != 0 {
            findings.append(
                .trouble(
                    check, "\(folder) may be written by group or others; lensd refuses such a folder",
                    advice: "chmod 700 \(folder)"))
        } else if isOwn, status.st_uid != geteuid(), geteuid() != 0 {
            let owner = UserName(status.st_uid).text ?? "\(status.st_uid)"
            findings.append(
                .trouble(
                    check, "\(folder) belongs to \(owner), and a daemon of yours could not use it",
                    advice: "chown it, or name another with --state or LENSD_STATE"))
        } else if status.st_mode & 0o700 != 0o700 {
            findings.append(
                .trouble(check, "\(folder) is closed to its own owner", advice: "chmod 700 \(folder)"))
        } else {
            findings.append(.good(check, "\(folder) is its owner's alone to write"))
        }
        return findings + [disk].compactMap { $0 }
    }

    private var disk: Finding? {
        var space = statvfs()
        guard statvfs(folder, &space) == 0 else { return nil }
        let free = Int(clamping: space.f_bavail).multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
        let total = Int(clamping: space.f_blocks).multipliedReportingOverflow(by: Int(clamping: space.f_frsize))
        guard !free.overflow, !total.overflow, total.partialValue > 0 else { return nil }
        let text = "\(DecimalText.bytes(free.partialValue)) of \(DecimalText.bytes(total.partialValue)) free"
        guard free.partialValue >= Self.leastFreeBytes else {
            return .trouble(
                "disk", "the disk of \(folder) is nearly full: \(text)",
                advice: "make room, delete sessions, or set [retention] in lensd's configuration")
        }
        return .good("disk", text)
    }
}
