import LensClient
import LensCore
import LensWire
import Testing

@Suite struct SocketLocatorTests {
    private func locator(_ socket: String? = nil, _ environment: [String: String]) -> SocketLocator {
        SocketLocator(socket: socket) { environment[$0] }
    }

    @Test func candidatesFollowTheContract() {
        let all = ["LENSD_SOCKET": "/e", "XDG_RUNTIME_DIR": "/x"]
        #expect(locator("/s", all).candidates == ["/s"])
        #expect(locator(nil, all).candidates == ["/e"])
        #expect(
            locator(nil, ["XDG_RUNTIME_DIR": "/x"]).candidates == ["/x/lensd/lensd.sock", "/run/lensd/lensd.sock"])
        #expect(locator(nil, [:]).candidates == ["/run/lensd/lensd.sock"])
    }

    @Test func aFailureNamesAllThatWereTried() throws {
        let folder = try temporaryFolder()
        defer { removeFolder(folder) }
        #expect {
            _ = try locator(nil, ["XDG_RUNTIME_DIR": folder]).connect(client: "test/1")
        } throws: { error in
            guard let error = error as? LensError else { return false }
            return error.code == .unavailable && error.message.contains("\(folder)/lensd/lensd.sock")
                && error.message.contains("/run/lensd/lensd.sock") && error.message.contains("lensctl up")
        }
    }

    @Test func theFirstThatAnswersIsTaken() async throws {
        try await withServer { live in
            let connection = try locator(live.path, ["XDG_RUNTIME_DIR": "/nowhere"]).connect(client: "test/1")
            #expect(connection.path == live.path)
            #expect(try await connection.tokenize(.of("x")).tokens.count == 1)
        }
    }
}
