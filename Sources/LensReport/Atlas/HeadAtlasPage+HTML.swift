import LensCore

extension HeadAtlasPage {
    /// The page. Whatever users typed is escaped; the content security policy admits no script and no address.
    public func html() -> String {
        HTMLDocument(
            title: shownTitle, policy: "style-src 'unsafe-inline'", style: Self.style,
            body: """
                <header>
                <h1>\(HTMLText.escape(shownTitle))</h1>
                <p class="note">\(HTMLText.escape(facts))</p>
                </header>
                \(map)
                <main>
                \(atlas.heads.indices.map(card).joined(separator: "\n"))
                </main>
                \(foot)
                """
        ).text
    }

    private var facts: String {
        let corpus = atlas.isBuiltInCorpus ? "the built-in stories" : count(atlas.promptCount, "prompt")
        let loss = atlas.baselineLoss.isFinite ? ", loss \(NumberText.fixed(atlas.baselineLoss, 4)) nats a token" : ""
        return VisibleText.line("\(atlas.heads.count) heads over \(corpus), \(count(atlas.tokenCount, "token"))\(loss)")
    }

    // MARK: - The map

    /// Layers as rows, heads as columns, each a link to its card.
    private var map: String {
        let layers = Dictionary(grouping: atlas.heads, by: \.scores.layer).sorted { $0.key < $1.key }
        let rows = layers.map { layer, heads in
            let cells = heads.map { head in
                let kind = head.scores.kinds.first?.kind
                let name = HTMLText.escape(kind?.description ?? "no kind")
                return "<td><a class=\"\(Self.colour(kind))\" href=\"#\(head.label)\" title=\"\(head.label): \(name)\">"
                    + "<b>\(head.scores.head)</b><span>\(name)</span></a></td>"
            }
            return "<tr><th scope=\"row\">L\(layer)</th>\(cells.joined())</tr>"
        }
        let isWide = (layers.map(\.value.count).max() ?? 0) > 16
        let classes = isWide ? "map wide" : "map"
        return "<nav aria-label=\"All heads\"><table class=\"\(classes)\">\(rows.joined())</table></nav>"
    }

    /// A head's colour class, by its first kind.
    private static func colour(_ kind: HeadKind?) -> String {
        switch kind {
        case .toSelf, .previous, .distance, .positional: "by-position"
        case .first: "by-first"
        case .duplicate, .induction: "by-repeats"
        case .semantic, .contextual: "by-content"
        case .broad: "by-none"
        case nil: "by-none"
        }
    }

    // MARK: - Cards

    private func card(_ index: Int) -> String {
        let head = atlas.heads[index]
        let kinds = head.scores.kinds.map { finding in
            "<li class=\"\(Self.colour(finding.kind))\"><b>\(HTMLText.escape(finding.kind.description))</b> "
                + "<span>\(NumberText.fixed(finding.score, 2))</span></li>"
        }
        let reasons = head.scores.kinds.map { "<li>\(HTMLText.escape(Self.sentence($0.why)))</li>" }
        let picture = pictures.indices.contains(index) ? pictures[index].svg : ""
        return """
            <article id="\(head.label)" tabindex="0" aria-labelledby="\(head.label)-name">
            <h2 id="\(head.label)-name">\(head.label)</h2>
            <ul class="kinds">\(kinds.isEmpty ? "<li class=\"by-none\"><b>no kind</b></li>" : kinds.joined())</ul>
            \(effect(head))
            <div class="pictures">\(picture)\(distances(head))</div>
            \(shares(head))
            \(reasons.isEmpty ? "" : "<ul class=\"why\">\(reasons.joined())</ul>")
            \(facts(of: head))
            \(pairs(head))
            </article>
            """
    }

    private static func sentence(_ text: String) -> String { text.prefix(1).uppercased() + text.dropFirst() + "." }

    private func effect(_ head: HeadProfile) -> String {
        guard head.delta.isFinite else { return "" }
        let error = head.standardError.isFinite ? " ± \(NumberText.fixed(head.standardError, 4))" : ""
        return "<p class=\"effect\">Δloss <b>\(NumberText.signed(head.delta, 4))</b>\(error)</p>"
    }

    /// Attention to the first position and to each of the nearest distances, as bars.
    private func distances(_ head: HeadProfile) -> String {
        guard !head.byDistance.isEmpty else { return "" }
        let most = max(head.byDistance.max() ?? 0, 0.05)
        var bars = ""
        for (index, value) in head.byDistance.enumerated() {
            let height = 40 * max(value, 0) / most
            let x = index == 0 ? 0 : index * 6 + 8
            bars +=
                "<rect class=\"\(index == 0 ? "first" : "near")\" x=\"\(x)\" "
                + "y=\"\(NumberText.fixed(44 - height, 1))\" width=\"5\" height=\"\(NumberText.fixed(height, 1))\"/>"
        }
        let width = head.byDistance.count * 6 + 8
        let label = "Attention by distance: to the first position, then 0, 1, 2 … back"
        return "<svg class=\"distances\" viewBox=\"0 -8 \(width) 62\" role=\"img\" aria-label=\"\(label)\">\(bars)"
            + "<text x=\"0\" y=\"-2\">attention, up to \(percent(most))</text>"
            + "<path d=\"M0 44.5H\(width)\"/><text x=\"0\" y=\"53\">1st</text><text x=\"14\" y=\"53\">0</text>"
            + "<text x=\"\(width / 2 + 7)\" y=\"53\" text-anchor=\"middle\">tokens back</text>"
            + "<text x=\"\(width)\" y=\"53\" text-anchor=\"end\">\(head.byDistance.count - 2)</text></svg>"
    }

    /// What the pattern goes by, as one bar.
    private func shares(_ head: HeadProfile) -> String {
        let parts = [
            ("position", head.scores.position, "by-position"), ("tokens", head.tokens, "by-content"),
            ("rest", head.context, "by-none"),
        ]
        var x = 0.0
        var bars = ""
        for (_, share, colour) in parts {
            bars +=
                "<rect class=\"\(colour)\" x=\"\(NumberText.fixed(100 * x, 1))\" y=\"0\" "
                + "width=\"\(NumberText.fixed(100 * share, 1))\" height=\"6\"/>"
            x += share
        }
        let text = parts.map { "\($0.0) \(percent($0.1))" }.joined(separator: ", ")
        return "<div class=\"shares\"><svg viewBox=\"0 0 100 6\" preserveAspectRatio=\"none\" aria-hidden=\"true\">"
            + "\(bars)</svg><p class=\"note\">explained by \(text)</p></div>"
    }

    private func facts(of head: HeadProfile) -> String {
        var rows: [(String, String)] = []
        if let repeats = head.repeats {
            rows.append(
                (
                    "random repeats",
                    "duplicate \(percent(repeats.duplicate)), induction \(percent(repeats.induction))"
                ))
        }
        if head.copying.isFinite { rows.append(("OV copying score", NumberText.signed(head.copying, 2))) }
        rows.append(("from even attention", "\(NumberText.fixed(head.scores.structure, 2)) nats"))
        return "<dl>\(rows.map { "<div><dt>\($0.0)</dt><dd>\($0.1)</dd></div>" }.joined())</dl>"
    }

    private func pairs(_ head: HeadProfile) -> String {
        guard !head.pairs.isEmpty else { return "" }
        let rows = head.pairs.map { pair in
            "<tr><td><bdi>\(token(pair.destination))</bdi></td><td>→</td><td><bdi>\(token(pair.source))</bdi></td>"
                + "<td>\(NumberText.fixed(pair.weight, 2))</td><td>\(pair.places)×</td></tr>"
        }
        return "<table class=\"pairs\"><caption>attends beyond what position explains</caption>\(rows.joined())</table>"
    }

    private var foot: String {
        var rows = [("Model", atlas.modelName), ("Fingerprint", atlas.fingerprint)]
        if let kind = atlas.ablation {
            rows.append(
                (
                    "Δloss",
                    "each head's z set to \(kind == .zero ? "zero" : "its mean"), "
                        + "\(count(atlas.predictionCount, "prediction")), ± one standard error"
                ))
        }
        if !example.isEmpty {
            rows.append(("Patterns", "over the beginning of the first prompt, \(count(example.count, "token"))"))
        }
        if let daemon { rows.append(("Computed by", "lensd \(daemon.lensd), \(daemon.blas)")) }
        let items = rows.map {
            "<div><dt>\($0.0)</dt><dd>\(HTMLText.escape(VisibleText.line($0.1)))</dd></div>"
        }
        return "<footer><dl>\(items.joined())</dl></footer>"
    }

    private func token(_ token: Token) -> String {
        HTMLText.escape(token.text.isEmpty ? "∅" : VisibleText.token(token.text))
    }

    private func percent(_ share: Double) -> String {
        // A no-break space: the sign stays with its number.
        share.isFinite ? "\(Int((100 * min(max(share, 0), 1)).rounded()))\u{A0}%" : "unknown"
    }

    private func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
}
