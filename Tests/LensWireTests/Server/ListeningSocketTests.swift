import Glibc
import LensCore
import LensWire
import Testing

@Suite struct ListeningSocketTests {
    private func withFolder(_ body: (String) async throws -> Void) async throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        try await body(folder)
    }

    private func mode(_ path: String) -> mode_t {
        var status = stat()
        return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : 0
    }

    @Test func theModeIsThereFromTheStart() async throws {
        try await withFolder { folder in
            let mask = umask(0)
            defer { umask(mask) }
            let own = try ListeningSocket.bind(path: folder + "/a")
            #expect(mode(folder + "/a") == 0o600)
            own.abandon()
            #expect(access(folder + "/a", F_OK) != 0)
            let group = try ListeningSocket.bind(path: folder + "/b", mode: 0o660)
            #expect(mode(folder + "/b") == 0o660)
            group.abandon()
            #expect(umask(0) == 0)
        }
    }

    @Test func aStaleSocketIsReplaced() async throws {
        try await withFolder { folder in
            let path = folder + "/s"
            // A daemon that was killed leaves its socket.
            _ = try ListeningSocket.bind(path: path)
            let second = try ListeningSocket.bind(path: path)
            second.abandon()
        }
    }

    @Test func aLiveSocketIsLeftAlone() async throws {
        try await withServer { live in
            #expect {
                _ = try ListeningSocket.bind(path: live.path)
            } throws: { error in
                guard let error = error as? StartupError else { return false }
                return error.status.rawValue == 75 && error.message.contains(live.path)
            }
            let client = try await RawClient.greeted(path: live.path)
            try await client.send(ClientFrame(.ping))
            #expect(try await client.receiveAnswer()?.body == .pong)
        }
    }

    @Test func whatIsNoSocketIsLeftAlone() async throws {
        try await withFolder { folder in
            let path = folder + "/file"
            close(open(path, O_CREAT | O_WRONLY, 0o600))
            #expect { _ = try ListeningSocket.bind(path: path) } throws: { error in
                (error as? StartupError)?.message.contains("not a socket") == true
            }
            #expect(access(path, F_OK) == 0)
            // A link is not followed either.
            let link = folder + "/link"
            symlink(path, link)
            #expect(throws: StartupError.self) { _ = try ListeningSocket.bind(path: link) }
        }
    }

    @Test func anothersSocketIsLeftAlone() async throws {
        guard geteuid() == 0 else { return }
        try await withFolder { folder in
            let path = folder + "/s"
            _ = try ListeningSocket.bind(path: path)
            chown(path, 1234, 1234)
            #expect { _ = try ListeningSocket.bind(path: path) } throws: { error in
                (error as? StartupError)?.status.rawValue == 77
            }
            #expect(access(path, F_OK) == 0)
        }
    }

    @Test func pathsThatCannotBe() async throws {
        try await withFolder { folder in
            let long = folder + "/" + String(repeating: "x", count: 120)
            #expect { _ = try ListeningSocket.bind(path: long) } throws: { error in
                guard let error = error as? StartupError else { return false }
                return error.status == .usage && error.message.contains("at most 107 bytes")
            }
            let fitting = folder + "/" + String(repeating: "y", count: 107 - folder.utf8.count - 1)
            try ListeningSocket.bind(path: fitting).abandon()
            #expect(throws: StartupError.self) { _ = try ListeningSocket.bind(path: fitting + "y") }
            #expect(throws: StartupError.self) { _ = try ListeningSocket.bind(path: "") }
            #expect(throws: StartupError.self) { _ = try ListeningSocket.bind(path: folder + "/no/such/folder") }
        }
    }
}
