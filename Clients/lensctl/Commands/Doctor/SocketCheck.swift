import Glibc
import LensClient
import LensCore

/// Looks for a daemon that answers, and where none does for why.
struct SocketCheck {
    let candidates: [String]
    private let check = "daemon"

    /// The connection where a daemon answers, and what was found.
    func run() -> (LensConnection?, [Finding]) {
        var findings: [Finding] = []
        for path in candidates {
            do throws(LensError) {
                let connection = try LensConnection.connect(path: path, client: "lensctl/\(lensdVersion)")
                return (connection, [.good(check, "answers at \(path)")])
            } catch {
                findings.append(finding(path, error))
            }
        }
        // Of several places most are empty; what stands at one of them is the trouble.
        let telling = findings.filter { !$0.message.hasPrefix("there is no socket") }
        return (nil, telling.isEmpty ? findings : telling)
    }

    private func finding(_ path: String, _ error: LensError) -> Finding {
        let start = "'lensctl up' starts your own, 'systemctl start lensd' the machine's"
        var status = stat()
        guard lstat(path, &status) == 0 else {
            if errno == EACCES { return forbiddenFolder(path) }
            return .trouble(check, "there is no socket \(path)", advice: start, status: .noDaemon)
        }
        guard status.st_mode & S_IFMT == S_IFSOCK else {
            return .trouble(
                check, "\(path) is no socket", advice: "remove it, or name another place with --socket",
                status: .noDaemon)
        }
        switch error.code {
        case .permissionDenied: return forbidden(path, status)
        case .unavailable where error.message.hasPrefix("nobody answers"):
            return .trouble(
                check, "nobody answers at \(path): its lensd ended without removing it",
                advice: "\(start); it takes the stale socket over", status: .noDaemon)
        default:
            return .trouble(
                check, "\(path): \(error.message)", advice: "look into the daemon's log: 'lensctl logs' or journalctl",
                status: .noDaemon)
        }
    }

    private func forbiddenFolder(_ path: String) -> Finding {
        .trouble(
            check, "you may not look at \(path): its folder is closed to you",
            advice: "start your own daemon with 'lensctl up', or ask its owner", status: .notAllowed)
    }

    /// Why a socket is closed to this user, and who could open it.
    private func forbidden(_ path: String, _ status: stat) -> Finding {
        let owner = UserName(status.st_uid).text ?? "\(status.st_uid)"
        let group = getgrgid(status.st_gid).flatMap { $0.pointee.gr_name }.map { String(cString: $0) }
        let groupName = group ?? "\(status.st_gid)"
        let user = UserName(geteuid()).text ?? "\(geteuid())"
        guard status.st_mode & 0o060 == 0o060 else {
            return .trouble(
                check, "\(path) is for the user \(owner) alone",
                advice: "start your own daemon with 'lensctl up', or ask \(owner) to open the socket for a group "
                    + "(socket_group in lensd's configuration)", status: .notAllowed)
        }
        let isListed = Self.accountGroups().contains(status.st_gid)
        return .trouble(
            check, "\(path) is for the group \(groupName), which you (\(user)) are not in",
            advice: isListed
                ? "you were added to it since you logged in: log out and in again, or use 'newgrp \(groupName)'"
                : "ask the administrator for 'usermod -aG \(groupName) \(user)', then log in again",
            status: .notAllowed)
    }

    /// The groups of this user's account, which may be more than the process has.
    private static func accountGroups() -> [gid_t] {
        guard let account = getpwuid(geteuid()), let name = account.pointee.pw_name else { return [] }
        var count = CInt(1024)
        var groups = [gid_t](repeating: 0, count: Int(count))
        guard getgrouplist(name, account.pointee.pw_gid, &groups, &count) >= 0 else { return [] }
        return Array(groups.prefix(Int(count)))
    }
}
