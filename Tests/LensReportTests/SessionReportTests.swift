import LensCore
import LensReport
import Testing

@Suite struct SessionReportTests {
    private func report(_ text: String) -> SessionReport {
        let session = SessionSummary(
            id: "i", name: "s", owner: 1000, ownerName: "alice", address: "alice/\(text)", createdAt: 0,
            updatedAt: 1_767_225_599, runCount: 1, note: text, isReadOnly: true)
        let run = RunSummary(
            id: String(repeating: "ab", count: 16), kind: .sweep, session: "s", createdAt: 0, model: "tiny@raw",
            fingerprint: "0123456789abcdef", promptCount: 1, tokenCount: 2, excerpt: text, loss: 1.23456,
            edits: [text], detail: "zero of z", note: text,
            effects: [SweepEffect(place: "L0H8", delta: 1.25), SweepEffect(place: "L0H3", delta: -0.5)])
        return SessionReport(SessionDetail(session: session, runs: [run]))
    }

    @Test func saysWhatThereIs() {
        for text in [report("plain").html(), report("plain").markdown()] {
            for words in ["abababababab", "1970-01-01 00:00 UTC", "2025-12-31 23:59", "1.2346", "0123456789ab"] {
                #expect(text.contains(words), "\(words)")
            }
            #expect(text.contains("edited: plain") && text.contains("alice"))
        }
    }

    @Test func nothingThatUsersTypedActs() {
        let attack = "<script>alert(1)</script>|[x](javascript:y)`\u{1B}[31m\u{202E}\n# a"
        let html = report(attack).html()
        #expect(!html.contains("<script") && html.contains("&lt;script&gt;"))
        let markdown = report(attack).markdown()
        #expect(!markdown.contains("<script") && markdown.contains("\\[x\\]\\(javascript:y\\)"))
        // A row stays a row.
        #expect(markdown.split(separator: "\n").filter { $0.hasPrefix("| abab") }.count == 1)
        #expect(!markdown.split(separator: "\n").contains { $0.hasPrefix("# a") })
        for text in [html, markdown] {
            #expect(text.unicodeScalars.allSatisfy { $0 == "\n" || $0.properties.generalCategory != .control })
            #expect(!text.unicodeScalars.contains("\u{202E}"))
        }
    }
}
