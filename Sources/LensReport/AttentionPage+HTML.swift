extension AttentionPage {
    /// The page: one HTML file with its style, script and data inside, which asks nothing of any network.
    ///
    /// Its content security policy admits exactly this style and this script, by their hashes. Of what users typed,
    /// only the title stands in the markup, escaped; all else is JSON that the script shows as text.
    public func html() -> String {
        HTMLDocument(
            title: shownTitle,
            policy: "style-src '\(AttentionAssets.styleHash)'; script-src '\(AttentionAssets.scriptHash)'",
            style: AttentionAssets.style,
            body: """
                \(AttentionAssets.body)
                <script type="application/json" id="data">\(data.text)</script>
                <script type="module">\(AttentionAssets.script)</script>
                """
        ).text
    }
}
