import LensCore

extension SessionReport {
    /// One HTML file with its style inside, without a script, which asks nothing of any network.
    public func html() -> String {
        let note = Self.lines(detail.session.note).map { "<p>\(HTMLText.escape($0))</p>\n" }.joined()
        let headings = Self.headings.map { "<th scope=\"col\">\($0)</th>" }.joined()
        let rows = detail.runs.map { run in
            "<tr>" + Self.cells(run).map { "<td>\(HTMLText.escape($0))</td>" }.joined() + "</tr>\n"
        }
        return HTMLDocument(
            title: title, policy: "style-src 'unsafe-inline'", style: Self.style,
            body: """
                <h1>\(HTMLText.escape(title))</h1>
                <p>\(HTMLText.escape(facts))</p>
                \(note)<table>
                <thead><tr>\(headings)</tr></thead>
                <tbody>
                \(rows.joined())</tbody>
                </table>
                """
        ).text
    }

    private static let style = """
        body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}
        h1{font-size:1.4rem}
        table{border-collapse:collapse;width:100%;font-size:.9rem}
        th,td{text-align:left;vertical-align:top;padding:.35rem .6rem;border-bottom:1px solid #8884}
        th{white-space:nowrap}
        td:nth-child(1),td:nth-child(5){font-family:ui-monospace,monospace}
        td:nth-child(2),td:nth-child(7){white-space:nowrap;font-variant-numeric:tabular-nums}
        td:nth-child(7){text-align:right}
        td{overflow-wrap:anywhere}td:nth-child(-n+5){white-space:nowrap}
        """
}
