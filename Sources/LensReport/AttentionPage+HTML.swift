import LensCore

extension AttentionPage {
    /// The page: one HTML file with its style, script and data inside, which asks nothing of any network.
    ///
    /// Its content security policy admits exactly this style and this script, by their hashes. Of what users typed,
    /// only the title stands in the markup, escaped; all else is JSON that the script shows as text.
    public func html() -> String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="\(Self.policy)">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="lensd \(lensdVersion)">
        <title>\(HTMLText.escape(shownTitle))</title>
        <style>\(AttentionAssets.style)</style>
        </head>
        <body>
        \(AttentionAssets.body)
        <script type="application/json" id="data">\(data.text)</script>
        <script type="module">\(AttentionAssets.script)</script>
        </body>
        </html>

        """
    }

    private static let policy =
        "default-src 'none'; style-src '\(AttentionAssets.styleHash)'; script-src '\(AttentionAssets.scriptHash)'; "
        + "base-uri 'none'; form-action 'none'"
}
