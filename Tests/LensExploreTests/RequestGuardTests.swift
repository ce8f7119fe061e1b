import Glibc
import LensExplore
import Testing

/// Who is let in, over real connections: nothing refused here ever reaches a call.
@Suite struct RequestGuardTests {
    @Test func aTokenIsGoodOnce() async throws {
        try await TestBrowser.with(isLetIn: false) { browser async throws in
            let path = browser.makePath()
            let first = try await browser.get(path)
            #expect(first.status == 303 && first.headers["location"] == "/")
            #expect(first.headers["set-cookie"]?.hasSuffix("; Path=/; HttpOnly; SameSite=Strict") == true)
            let second = try await browser.get(path)
            #expect(second.status == 403 && second.headers["set-cookie"] == nil)
            #expect(second.body.contains("has been used"))
            #expect(try await browser.get(browser.makePath()).status == 303, "another token is another's")
        }
    }

    @Test(arguments: ["", "?token=", "?token=0", "?token=\(String(repeating: "0", count: 64))", "?other=1"])
    func whatIsNoTokenOpensNothing(query: String) async throws {
        try await TestBrowser.with(isLetIn: false) { browser async throws in
            let answer = try await browser.get("/open\(query)")
            #expect(answer.status == 403 || answer.status == 400)
            #expect(answer.headers["set-cookie"] == nil)
        }
    }

    @Test func aPrefetchLeavesTheTokenGood() async throws {
        try await TestBrowser.with(isLetIn: false) { browser async throws in
            let path = browser.makePath()
            #expect(try await browser.get(path, ["Sec-Purpose": "prefetch;prerender"]).status == 503)
            #expect(try await browser.get(path, ["Purpose": "prefetch"]).status == 503)
            #expect(try await browser.get(path).status == 303)
        }
    }

    @Test(arguments: ["evil.example", "127.0.0.1", "127.0.0.1:1", "localhost", "[::1]:80", ""])
    func anotherHostIsRefused(host: String) async throws {
        try await TestBrowser.with { browser async throws in
            #expect(try await browser.get("/", ["Host": host]).status == 403)
            #expect(try await browser.post("hello", "{}", ["Host": host]).status == 403)
            #expect(browser.calls.calls.isEmpty)
        }
    }

    @Test func bothNamesOfTheServerAreGood() async throws {
        try await TestBrowser.with { browser async throws in
            let name = "localhost:\(browser.server.port)"
            #expect(try await browser.get("/", ["Host": name]).status == 200)
            #expect(try await browser.post("hello", "{}", ["Host": name, "Origin": "http://\(name)"]).status == 200)
            // The page of one name is not that of the other.
            #expect(try await browser.post("hello", "{}", ["Host": name]).status == 403)
        }
    }

    @Test(
        arguments: [
            ("Cookie", nil, 401), ("Cookie", "", 401),
            ("Cookie", "lensctl-0=\(String(repeating: "0", count: 64))", 401),
            ("Origin", nil, 403), ("Origin", "null", 403), ("Origin", "http://evil.example", 403),
            ("Origin", "http://127.0.0.1:1", 403), ("Sec-Fetch-Site", "same-site", 403),
            ("Sec-Fetch-Site", "cross-site", 403), ("Sec-Fetch-Site", "none", 403), ("Content-Type", nil, 415),
            ("Content-Type", "text/plain", 415), ("Content-Type", "application/x-www-form-urlencoded", 415),
        ] as [(String, String?, Int)])
    func aCallOfSomebodyElseIsRefused(header: String, value: String?, status: Int) async throws {
        try await TestBrowser.with { browser async throws in
            #expect(try await browser.post("hello", "{}", [header: value]).status == status)
            #expect(browser.calls.calls.isEmpty)
        }
    }

    @Test func theWrongCookieOfTheRightNameIsRefused() async throws {
        try await TestBrowser.with { browser async throws in
            let name = browser.cookie.prefix { $0 != "=" }
            let wrong = "\(name)=\(String(repeating: "0", count: 64))"
            #expect(try await browser.post("hello", "{}", ["Cookie": wrong]).status == 401)
            #expect(try await browser.post("hello", "{}", ["Cookie": "a=b; \(browser.cookie); c=d"]).status == 200)
        }
    }

    @Test func whatThePageSendsIsGood() async throws {
        try await TestBrowser.with { browser async throws in
            let answer = try await browser.post(
                "hello", "{}", ["Sec-Fetch-Site": "same-origin", "Content-Type": "application/json; charset=utf-8"])
            #expect(answer.status == 200)
            #expect(browser.calls.calls == ["hello {}"])
        }
    }

    @Test func thePageIsNotPutIntoOthers() async throws {
        try await TestBrowser.with { browser async throws in
            #expect(try await browser.get("/", ["Sec-Fetch-Dest": "iframe"]).status == 403)
            #expect(try await browser.get("/", ["Sec-Fetch-Dest": "document"]).status == 200)
        }
    }

    /// The connection is root's or this user's; to a server of another user it is a stranger's.
    @Test func anotherUserIsTurnedAway() async throws {
        guard geteuid() != 0 else { return }
        try await TestBrowser.with(ownUserID: geteuid() + 1, isLetIn: false) { browser async throws in
            #expect(try await browser.get("/").status == 403)
        }
    }

    @Test func theTableOfConnectionsNamesTheUser() {
        let table = """
              sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
               0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     7        0 1
               1: 0100007F:C001 0100007F:1F90 06 00000000:00000000 00:00000000 00000000     8        0 2
               2: 0100007F:C001 0100007F:1F90 01 00000000:00000000 00:00000000 00000000  1000        0 3
            """
        #expect(PeerUser.userID(in: table, local: "0100007F:C001", remote: "0100007F:1F90") == 1000)
        #expect(PeerUser.userID(in: table, local: "0100007F:C002", remote: "0100007F:1F90") == nil)
        #expect(PeerUser.userID(in: table, local: "0100007F:1F90", remote: "00000000:0000") == nil)
        #expect(PeerUser.userID(in: "", local: "0100007F:C001", remote: "0100007F:1F90") == nil)
    }
}
