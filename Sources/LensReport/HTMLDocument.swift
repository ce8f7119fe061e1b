import LensCore

/// A whole HTML page that asks nothing of any network: title, style and body inside a head that says what it may do.
package struct HTMLDocument {
    private let title: String
    private let policy: String
    private let style: String
    private let body: String

    /// - Parameters:
    ///   - title: any text; it is escaped.
    ///   - policy: what the page may load, beside nothing: such as "style-src 'unsafe-inline'".
    ///   - style: CSS.
    ///   - body: HTML, with what users typed escaped.
    package init(title: String, policy: String, style: String, body: String) {
        self.title = title
        self.policy = Self.policy(policy)
        self.style = style
        self.body = body
    }

    /// A content security policy that admits some sources and nothing else.
    package static func policy(_ sources: String) -> String {
        "default-src 'none'; \(sources); base-uri 'none'; form-action 'none'"
    }

    /// The file.
    package var text: String {
        """
        <!DOCTYPE html>
        <html lang="en">
        <head>
        <meta charset="utf-8">
        <meta http-equiv="Content-Security-Policy" content="\(policy)">
        <meta name="viewport" content="width=device-width, initial-scale=1">
        <meta name="color-scheme" content="light dark">
        <meta name="generator" content="lensd \(lensdVersion)">
        <title>\(HTMLText.escape(title))</title>
        <style>\(style)</style>
        </head>
        <body>
        \(body)
        </body>
        </html>

        """
    }
}
