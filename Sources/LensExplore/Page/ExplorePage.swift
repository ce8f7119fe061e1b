internal import LensCore
internal import LensReport

/// The page: one HTML file with its style and script inside, live or with the answers that it shows.
struct ExplorePage: Sendable {
    let title: String
    /// What the script reads first.
    let data: ScriptJSON
    /// Where the page may ask.
    let isLive: Bool

    /// The page that asks `lensctl` for everything.
    static let live = ExplorePage(
        title: "lensctl explore", data: .object([("mode", .string("live")), ("version", .string(lensdVersion))]),
        isLive: true)

    /// The page with answers, which asks nobody.
    ///
    /// - Parameters:
    ///   - view: what the page itself made of its state; handed back to it.
    ///   - replies: names, requests and answers of calls.
    static func saved(
        title: String, view: ScriptJSON, replies: [(name: String, request: ScriptJSON, reply: ScriptJSON)]
    ) -> ExplorePage {
        let replies = replies.map { name, request, reply in
            ScriptJSON.object([("name", .string(name)), ("request", request), ("reply", reply)])
        }
        return ExplorePage(
            title: title.isEmpty ? "lensctl explore" : VisibleText.line(title),
            data: .object([
                ("mode", .string("saved")), ("version", .string(lensdVersion)), ("view", view),
                ("replies", .array(replies)),
            ]), isLive: false)
    }

    /// Of what users typed, only the title stands in the markup, escaped; all else is JSON that the script shows as text.
    func html() -> String {
        HTMLDocument(
            title: title, policy: Self.sources(isLive: isLive), style: ExploreAssets.style,
            body: """
                \(ExploreAssets.body)
                <script type="application/json" id="data">\(data.text)</script>
                <script type="module">\(ExploreAssets.script)</script>
                """
        ).text
    }

    /// Exactly this style and this script, by their hashes, beside pictures that the page draws itself.
    private static func sources(isLive: Bool) -> String {
        "style-src '\(ExploreAssets.styleHash)'; script-src '\(ExploreAssets.scriptHash)'; "
            + (isLive ? "connect-src 'self'; " : "") + "img-src data: blob:"
    }

    /// As the header says it; `frame-ancestors` means nothing inside a page.
    static let livePolicy = HTMLDocument.policy(sources(isLive: true)) + "; frame-ancestors 'none'"
}
