import LensConfiguration
import LensCore
import Testing

/// What a configuration file says, and what is wrong with one.
@Suite struct ConfigurationTests {
    private func parse(_ text: String) throws -> Configuration {
        try ConfigurationFile.parse(
            Array(text.utf8), path: "/etc/lensd.toml",
            names: AccountNames(
                userNamed: { ["alice": 1000, "bob": 1001][$0] }, groupNamed: { ["lab": 200][$0] }))
    }

    @Test func everyKey() throws {
        let configuration = try parse(
            """
            # A machine's daemon.
            socket = "/run/lensd/lensd.sock"  # where clients look
            socket_mode = '0660'
            socket_group = "lab"
            state = "/var/lib/lensd"
            threads = 1_6
            memory = "12.5G"
            cache = "512MiB"
            cache_scope = "per-user"
            metrics = "/var/lib/lensd/lensd.prom"
            log = "json"
            log_level = "notice"

            [quota]
            connections = 8
            calls = 32
            queued = 100
            sessions = 50
            stored = "2G"
            cached = "64M"

            [retention]
            days = 90
            stored = "1.5G"

            [[model]]
            name = "stories"
            path = "/srv/models/tiny \\u0041\\t\\"x\\""
            users = [
                "alice",  # by name
                4711,
            ]
            groups = ["lab", 300]
            pinned = true

            [[model]]
            "name" = "gpt2"
            path = '/srv/gpt\\2'
            default = true
            users = []
            """)
        #expect(configuration.socket == "/run/lensd/lensd.sock")
        #expect(configuration.socketMode == 0o660 && configuration.socketGroup == 200)
        #expect(configuration.state == "/var/lib/lensd" && configuration.threads == 16)
        #expect(configuration.memory?.bytes == 25 << 29 && configuration.cache?.bytes == 512 << 20)
        #expect(configuration.cacheScope == .perUser && configuration.metrics == "/var/lib/lensd/lensd.prom")
        #expect(configuration.log == .json && configuration.logLevel == .notice)
        let quota = configuration.quota
        #expect(quota.connections == 8 && quota.calls == 32 && quota.queued == 100 && quota.sessions == 50)
        #expect(quota.stored?.bytes == 2 << 30 && quota.cached?.bytes == 64 << 20)
        #expect(configuration.retention == Retention(days: 90, storedBytes: 3 << 29))
        let models = configuration.models
        #expect(models.map(\.name) == ["stories", "gpt2"])
        #expect(models.map(\.path) == ["/srv/models/tiny A\t\"x\"", "/srv/gpt\\2"])
        #expect(models.map(\.isPinned) == [true, false] && models.map(\.isDefault) == [false, true])
        #expect(
            models.map(\.access) == [
                .only(userIDs: [1000, 4711], groupIDs: [200, 300]), .only(userIDs: [], groupIDs: []),
            ])
    }

    @Test func emptyFileSaysNothing() throws {
        #expect(try parse("") == Configuration())
        #expect(try parse("\r\n # nothing\n\n") == Configuration())
        #expect(try parse("[[model]]\nname='a'\npath='/a'").models.map(\.access) == [.everybody])
    }

    @Test(arguments: [
        // What is not expected there.
        ("state = '/a'\ntreads = 2", 2, "unknown key 'treads'; expected one of socket, "),
        ("\n[[model]]\nname = 'a'\npath = '/a'\nuser = 3", 5, "unknown key 'user'; expected one of name, "),
        ("[model]\nname = 'a'", 1, "'model' must be written as [[model]]; received a table"),
        ("threads = '2'", 1, "'threads' must be a number in 1...1024; received the text \"2\""),
        ("threads = 0", 1, "'threads' must be a number in 1...1024; received the number 0"),
        ("memory = 8", 1, "'memory' must be a size such as \"8G\" or \"512M\"; received the number 8"),
        ("memory = '8 elephants'", 1, "'memory' must be a size"),
        ("memory = '0'", 1, "'memory' must be a size"),
        ("socket = 'lensd.sock'", 1, "'socket' must be an absolute path"),
        ("socket_mode = 660", 1, "'socket_mode' must be permission bits such as \"0660\""),
        ("socket_mode = '0888'", 1, "'socket_mode' must be permission bits"),
        ("socket_group = 'nobody-knows'", 1, "'socket_group' must be a group's name or number"),
        ("[[model]]\nname = 'A'\npath = '/a'", 2, "'name' must be 1 to 64 of a-z"),
        ("[[model]]\npath = '/a'", 1, "'name' is missing"),
        ("threads = 1\n[[model]]\nname = 'a'", 2, "'path' is missing: an absolute path"),
        ("[[model]]\nname = 'a'\npath = '/a'\npinned = 'yes'", 4, "'pinned' must be true or false"),
        ("[[model]]\nname = 'a'\npath = '/a'\nusers = 'alice'", 4, "'users' must be a list of users' names"),
        ("[[model]]\nname = 'a'\npath = '/a'\nusers = ['eve']", 4, "received the text \"eve\""),
        ("[[model]]\nname = 'a'\npath = '/a'\nusers = [-1]", 4, "received the number -1"),
        ("[[model]]\nname='a'\npath='/a'\n[[model]]\nname='a'\npath='/b'", 4, "a model 'a' is there twice"),
        (
            "[[model]]\nname='a'\npath='/a'\ndefault=true\n[[model]]\nname='b'\npath='/b'\ndefault=true", 5,
            "one model is the default"
        ),
        ("[quota]\nconnections = 0", 2, "'connections' must be a number in 1...65536; received the number 0"),
        ("[quota]\nstored = 5", 2, "'stored' must be a size"),
        ("[quota]\nruns = 5", 2, "unknown key 'runs'; expected one of connections, calls, queued, "),
        ("[[quota]]\nqueued = 5", 1, "'quota' must be written as [quota]; received tables"),
        ("quota = 5", 1, "'quota' must be written as [quota]; received the number 5"),
        ("[quota]\nqueued = 5\n[quota]\nqueued = 6", 3, "'quota' is there twice"),
        ("[retention]\ndays = 0", 2, "'days' must be a number in 1...36500"),
        ("[retention]\nage = 3", 2, "unknown key 'age'; expected one of days, stored"),
        ("cache_scope = 'nobody'", 1, "'cache_scope' must be one of \"everyone\", \"per-user\"; received the text"),
        ("log = 'xml'", 1, "'log' must be one of \"text\", \"json\"; received the text \"xml\""),
        ("log_level = 'loud'", 1, "'log_level' must be one of \"trace\", "),
        ("metrics = 'lensd.prom'", 1, "'metrics' must be an absolute path"),
        // What is no TOML, or more of it than there is use for.
        ("threads", 1, "expected '=' behind the key 'threads'"),
        ("threads = ", 1, "expected a value"),
        ("threads = 1 2", 1, "expected the end of the line"),
        ("threads = 1\nthreads = 2", 2, "'threads' is there twice"),
        ("threads = 1.5", 1, "'1.5' is no value"),
        ("threads = 0x10", 1, "'0x10' is no value"),
        ("threads = 012", 1, "'012' is no value"),
        ("threads = 99999999999999999999", 1, "is no value"),
        ("threads = yes", 1, "'yes' is no value; texts stand in quotes"),
        ("state = '/a", 1, "the text does not end in its line"),
        ("state = \"/a\n\"", 1, "the text does not end in its line"),
        ("state = \"/a\\", 1, "the text does not end in its line"),
        ("state = \"/\\q\"", 1, "is no escape"),
        ("state = \"/\\uD800\"", 1, "no character has this number"),
        ("state = '''/a'''", 1, "texts of several lines are not used here"),
        ("a.b = 1", 1, "dotted keys are not used here"),
        ("[[model]]\nx = {a = 1}", 2, "inline tables are not used here"),
        ("[[model]\nname = 'a'", 1, "expected ']]' behind 'model'"),
        ("[[model]] name = 'a'", 1, "expected the end of the line"),
        ("users = [1 2]", 1, "expected ',' or ']' in the list"),
        ("users = [[[[[[[[[[1]]]]]]]]]]", 1, "lists are nested too deep"),
        ("= 1", 1, "expected a key"),
        ("\u{0} = 1", 1, "expected a key"),
    ])
    func isRefused(_ text: String, line: Int, message: String) {
        #expect {
            try parse(text)
        } throws: { error in
            guard let error = error as? StartupError else { return false }
            return error.status == .badInput && error.message.hasPrefix("/etc/lensd.toml:\(line): ")
                && error.message.contains(message)
        }
    }

    @Test func whatIsNoTextIsRefused() {
        #expect(throws: StartupError(.badInput, "/f is no UTF-8 text")) {
            try ConfigurationFile.parse([0xFF, 0xFE], path: "/f", names: .system)
        }
    }

    /// Whatever the bytes are, there is an answer.
    @Test func anythingIsAnswered() {
        let seed = Array("[[model]]\nname = \"a\\u0041\"\nusers = [1, 'b',\n]\n[x]\ny = -3 # z\r\n".utf8)
        var state: UInt64 = 7
        func next(_ count: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % max(count, 1)
        }
        for _ in 0..<20_000 {
            var bytes = seed
            for _ in 0...next(4) {
                let at = next(bytes.count)
                switch next(3) {
                case 0: bytes[at] = UInt8(next(128))
                case 1: bytes.removeSubrange(at..<min(bytes.count, at + 1 + next(9)))
                default: bytes.insert(contentsOf: seed[at % seed.count..<seed.count].prefix(next(9)), at: at)
                }
                if bytes.isEmpty { break }
            }
            _ = try? ConfigurationFile.parse(bytes, path: "/f", names: .system)
        }
    }

    @Test(arguments: [("512", 512), ("1K", 1024), ("1.5g", 3 << 29), ("2TiB", 2 << 40), ("8GiB", 8 << 30)])
    func sizes(_ text: String, bytes: Int) throws {
        #expect(ByteCount(text)?.bytes == bytes)
        #expect(ByteCount("\(ByteCount(bytes: bytes))")?.bytes == bytes)
    }

    @Test(arguments: ["", "G", "-1", "0", "0.1", "1P", "1 G", "1e3", "9999999T", "1.2.3M", "٣G"])
    func noSizes(_ text: String) {
        #expect(ByteCount(text) == nil)
    }
}
