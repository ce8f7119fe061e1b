import LensCore
import LensExplore
import Testing

/// What is answered, over real connections to a server whose calls are stubs.
@Suite struct ExploreRoutesTests {
    @Test func thePageHoldsNothingOfAUserAndRunsItsOwnScriptOnly() async throws {
        try await TestBrowser.with(isLetIn: false) { browser async throws in
            let page = try await browser.get("/")
            #expect(page.status == 200 && page.headers["content-type"] == "text/html; charset=utf-8")
            let policy = page.headers["content-security-policy"] ?? ""
            #expect(policy.hasPrefix("default-src 'none'; ") && !policy.contains("unsafe"))
            #expect(policy.contains(ExploreAssets.scriptHash) && policy.contains(ExploreAssets.styleHash))
            #expect(page.headers["cache-control"] == "no-store" && page.headers["x-frame-options"] == "DENY")
            #expect(page.headers["referrer-policy"] == "no-referrer")
            #expect(page.body.contains("\"mode\":\"live\""))
            #expect(try await browser.get("/favicon.ico").status == 204)
        }
    }

    @Test(arguments: ["/nothing", "/etc/passwd", "/../etc/passwd", "/api", "/open/", "//", "/index.html"])
    func anUnknownPathIsNotFound(path: String) async throws {
        try await TestBrowser.with { browser async throws in
            #expect(try await browser.get(path).status == 404)
        }
    }

    @Test func aMethodThatAPathDoesNotTakeIsNamed() async throws {
        try await TestBrowser.with { browser async throws in
            let call = try await browser.get("/api/hello")
            #expect(call.status == 405 && call.headers["allow"] == "POST")
            let page = try await browser.send("POST", "/", [:], ["Content-Length": "0"], body: "")
            #expect(page.status == 405 && page.headers["allow"] == "GET")
            #expect(try await browser.send("GET", "http://evil.example/", [:], [:], body: "").status == 400)
        }
    }

    @Test func anUnknownCallIsNotImplemented() async throws {
        try await TestBrowser.with { browser async throws in
            let answer = try await browser.post("nothing")
            #expect(answer.status == 501 && answer.body.contains("\"UNIMPLEMENTED\""))
            #expect(browser.calls.calls.isEmpty)
        }
    }

    @Test func errorsKeepTheirCodeAndWords() async throws {
        try await TestBrowser.with { browser async throws in
            let answer = try await browser.post("model")
            #expect(answer.status == 404)
            #expect(answer.body == #"{"error":{"code":"NOT_FOUND","message":"there is no such model"}}"#)
        }
    }

    @Test func longWorkTellsItsProgressLineByLine() async throws {
        try await TestBrowser.with { browser async throws in
            let answer = try await browser.post("ablate")
            #expect(answer.headers["content-type"] == "application/x-ndjson")
            #expect(answer.body.contains(#"{"progress":{"done":1,"total":2}}"#))
            #expect(answer.body.contains(#"{"reply":"swept"}"#))
        }
    }

    @Test func aSavedPageIsAFile() async throws {
        try await TestBrowser.with { browser async throws in
            let answer = try await browser.post("save")
            #expect(answer.headers["content-disposition"]?.hasPrefix("attachment; ") == true)
            #expect(answer.body == "<!DOCTYPE html>saved")
        }
    }

    // MARK: - Limits

    @Test func tooLargeABodyIsRefused() async throws {
        var limits = ServerLimits()
        limits.body = 1024
        try await TestBrowser.with(limits: limits) { browser async throws in
            let fits = String(repeating: " ", count: 1024)
            #expect(try await browser.post("hello", fits).status == 200)
            #expect(try await browser.post("hello", fits + " ").status == 413)
            // Of a chunked body nobody says the length before.
            let chunked = "401\r\n\(fits) \r\n0\r\n\r\n"
            let headers: [String: String?] = ["Content-Length": nil, "Transfer-Encoding": "chunked"]
            #expect(try await browser.post("hello", chunked, headers).status == 413)
            #expect(browser.calls.calls.count == 1)
        }
    }

    @Test func tooLongAHeaderIsRefused() async throws {
        try await TestBrowser.with { browser async throws in
            let status = try await browser.get("/", ["X-Long": String(repeating: "x", count: 20000)]).status
            #expect(status == 400 || status == 431)
        }
    }

    @Test func whatIsNoHTTPEnds() async throws {
        try await TestBrowser.with { browser async throws in
            #expect(try await browser.exchange("\u{16}\u{3}\u{1} no request at all\r\n\r\n").status == 400)
        }
    }

    @Test func aRequestThatDoesNotEndIsEnded() async throws {
        var limits = ServerLimits()
        limits.requestTime = .milliseconds(100)
        try await TestBrowser.with(limits: limits) { browser async throws in
            let connection = try Connection(port: browser.server.port)
            defer { connection.close() }
            connection.send("GET / HTTP/1.1\r\nHost: ")
            let clock = ContinuousClock()
            let start = clock.now
            #expect(await connection.rest() == "")
            #expect(start.duration(to: clock.now) < .seconds(5))
        }
    }

    @Test func oneConnectionTooManyIsClosed() async throws {
        var limits = ServerLimits()
        limits.connections = 2
        try await TestBrowser.with(limits: limits, isLetIn: false) { browser async throws in
            let held = try (0..<2).map { _ in try Connection(port: browser.server.port) }
            let third = try Connection(port: browser.server.port)
            #expect(await third.rest() == "")
            third.close()
            for connection in held { connection.close() }
        }
    }

    @Test func aBrowserThatLeavesCancelsItsCall() async throws {
        try await TestBrowser.with { browser async throws in
            let connection = try Connection(port: browser.server.port)
            connection.send(
                "POST /api/neurons HTTP/1.1\r\nHost: \(browser.host)\r\nOrigin: http://\(browser.host)\r\n"
                    + "Cookie: \(browser.cookie)\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}")
            try await eventually { browser.calls.waitingCount == 1 }
            #expect(browser.calls.cancelledCount == 0)
            connection.close()
            try await eventually { browser.calls.cancelledCount == 1 }
        }
    }

    private func eventually(_ condition: () -> Bool) async throws {
        for _ in 0..<500 where !condition() { try await Task.sleep(for: .milliseconds(10)) }
        #expect(condition())
    }
}
