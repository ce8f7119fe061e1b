import Glibc
import LensCore
import LensStore
import Testing

@Suite struct StateFolderTests {
    let folder: TemporaryFolder

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func aFolderIsMadeWithItsParents() throws {
        let path = folder.path + "/a/b/state"
        _ = try StateFolder(at: path)
        for part in ["/a", "/a/b", "/a/b/state"] {
            var status = stat()
            #expect(stat(folder.path + part, &status) == 0 && status.st_mode & 0o777 == 0o700)
        }
    }

    @Test func aSecondDaemonIsTurnedAway() throws {
        let path = folder.path + "/state"
        do {
            let first = try StateFolder(at: path)
            let error = startupError { try StateFolder(at: path) }
            #expect(error?.status == .temporary)
            #expect(
                error?.message
                    == "the state folder \(first.path) is in use by another lensd (process \(getpid())); "
                    + "stop that one or give another --state"
            )
        }
        // The lock goes with its holder.
        _ = try StateFolder(at: path)
    }

    @Test func whatIsNotOursToUseIsRefused() throws {
        mkdir(folder.path + "/open", 0o700)
        chmod(folder.path + "/open", 0o770)
        let shared = startupError { try StateFolder(at: folder.path + "/open") }
        #expect(
            shared?.status == .notAllowed && shared?.message.contains("must not be writable by group or others") == true
        )

        close(open(folder.path + "/file", O_CREAT | O_WRONLY, 0o600))
        #expect(startupError { try StateFolder(at: folder.path + "/file") }?.status == .failure)
        #expect(startupError { try StateFolder(at: folder.path + "/file/below") }?.status == .failure)
        #expect(startupError { try StateFolder(at: "") }?.status == .usage)

        guard geteuid() == 0 else { return }
        mkdir(folder.path + "/foreign", 0o700)
        chown(folder.path + "/foreign", 4242, 4242)
        let foreign = startupError { try StateFolder(at: folder.path + "/foreign") }
        #expect(foreign?.status == .notAllowed && foreign?.message.contains("it belongs to uid 4242") == true)
    }

    @Test func aLockThatIsALinkIsRefused() throws {
        mkdir(folder.path + "/state", 0o700)
        symlink("/etc/passwd", folder.path + "/state/lensd.lock")
        #expect(startupError { try StateFolder(at: folder.path + "/state") }?.status == .failure)
    }
}
