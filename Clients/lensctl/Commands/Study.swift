import ArgumentParser
import LensCore
import LensReport
import LensTerminal

struct Study: ConsoleCommand {
    static let configuration = CommandConfiguration(
        abstract: "Study the resident model: predictions, patterns of all heads, ablation, kinds of heads.",
        discussion: """
            Without a prompt, a little story is studied. Heads are named as 'lensctl heads --help' says; one prompt \
            tells less of them than a corpus.

            Examples:
              lensctl study
              lensctl study --file story.txt --html study.html
              lensctl study --corpus stories.txt
            """)

    @OptionGroup var input: PromptOptions
    @Option(help: ArgumentHelp("Ablate and score over the prompts of a file, .txt or .jsonl.", valueName: "file"))
    var corpus: String?
    @Option(help: "Set a head to zero, or to its mean over the positions of the prompt.")
    var kind: Kind = .zero
    @Option(help: ArgumentHelp("Write the study as one page.", valueName: "file"))
    var html: String?
    @OptionGroup(title: "Everywhere") var global: GlobalOptions

    /// Below this a share says nothing about a head.
    private static let nearestFloor = 0.2
    private static let share = DecimalText.fixed(HeadEvidence.share, 2)
    private static let entropy = DecimalText.fixed(HeadEvidence.broad, 2)

    /// What is studied where nothing is named: names and words come again, so that duplicates and induction can show.
    static let story = """
        Once upon a time, there was a little girl named Lily. She loved to play in the park with her dog. One day, \
        Lily saw a big red ball. Lily wanted to play with the ball, so she asked her mom.
        """

    func run(on console: Console) async throws {
        let prompt = input.isGiven ? try input.prompt() : .text(Self.story, prependBOS: !input.noBos)
        let prompts =
            try corpus.map { try AblationPrompts(Corpus(at: $0, prependBOS: !input.noBos)) }
            ?? AblationPrompts(prompt)
        let reference = try global.modelReference()
        let connection = try global.connect()
        let status = try await connection.status()
        let study = try await PatternStudy.of(
            prompt, model: try await connection.describeModel(reference).model,
            request: RunRequest(
                model: reference, session: global.sessionName, prompts: [], topCount: 5, wantsPerTokenLoss: true),
            layers: nil, connection: connection)
        let sweep = try await connection.ablate(
            prompts, model: reference, session: global.sessionName, action: kind.action, on: console)
        // A sample of a large corpus says enough about kinds.
        let scored = prompts.firstBatch
        let (atlas, _) = try await connection.headAtlas(
            HeadAtlasRequest(model: reference, prompts: scored, ablation: nil))
        let scores = atlas.heads.map(\.scores)
        let findings = zip(sweep.heads, scores).map { Finding(effect: $0, scores: $1) }
        if let html {
            let page = try study.page(
                title: "Study of \(study.reply.modelName)", ablation: sweep, scores: scores,
                daemon: status.version)
            try OutputFile.write(page.html(), to: html)
        }
        console.answer(json(study, sweep, findings)) { terminal in
            text(study, sweep, findings, scoredCount: scored.count, on: terminal)
        }
    }

    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case zero, mean

        var action: AblationKind { self == .zero ? .zero : .mean }
    }

    /// One head's row of the closing table.
    private struct Finding {
        let effect: HeadEffect
        let scores: HeadScores

        var kinds: [HeadFinding] { scores.kinds }

        /// The kind that most of the attention speaks for, whether or not it is enough.
        var nearest: (kind: HeadKind, score: Double)? {
            let shares: [(kind: HeadKind, score: Double)] = [
                (.toSelf, scores.toSelf), (.previous, scores.toPrevious),
                (.distance(scores.distance), scores.toDistance), (.first, scores.toFirst),
                (.duplicate, scores.toDuplicate), (.induction, scores.toInduction),
            ]
            return shares.filter(\.score.isFinite).max { $0.score < $1.score }
        }

        var kindNames: String { kinds.map(\.kind.description).joined(separator: ", ") }
    }

    private func json(_ study: PatternStudy, _ sweep: SweepReply, _ findings: [Finding]) -> JSON {
        .object([
            ("schema", .integer(1)), ("run", .string(study.reply.runID)), ("model", .string(study.reply.modelName)),
            ("fingerprint", .string(study.reply.fingerprint)), ("loss", .number(study.reply.loss)),
            ("tokens", .tokens(study.result.tokens)), ("top", .predictions(study.result.top)),
            ("kind", .string(sweep.action)), ("hook", .string(sweep.hook)),
            ("predictions", .integer(sweep.predictionCount)), ("baseline_loss", .number(sweep.baselineLoss)),
            ("thresholds", HeadAtlasJSON.thresholds),
            (
                "heads",
                .array(
                    findings.map { finding in
                        .object(
                            JSON.headEffect(finding.effect) + [
                                ("kinds", .array(finding.kinds.map { .string($0.kind.description) })),
                                ("scores", JSON.scores(finding.scores)),
                            ])
                    })
            ),
            ("html", html.map { .string($0) } ?? .null),
        ])
    }

    private func text(
        _ study: PatternStudy, _ sweep: SweepReply, _ findings: [Finding], scoredCount: Int, on terminal: Terminal
    ) -> [StyledText] {
        var lines = RunSummaryText.lines(study.reply, study.result, on: terminal)
        lines += ["", StyledText("Attention", .bold), ""]
        let grid = HeadGrid(study.patterns, positions: study.positions, notes: findings.map(\.kindNames))
        lines += grid.lines(on: terminal)
        lines += ["", StyledText("Ablation", .bold), ""] + SweepTable.lines(sweep, on: terminal)
        lines += ["", StyledText("Heads", .bold), ""] + table(findings, on: terminal).lines()
        var notes = [
            "", "A kind is named from a share of \(Self.share) of a head's attention on, broad from \(Self.entropy)",
            "of the greatest entropy; in brackets the nearest from 0.20 on. See lensctl heads",
        ]
        if scoredCount < sweep.tokens.count {
            notes.append("Kinds are averages over \(scoredCount) of \(sweep.tokens.count) prompts.")
        }
        lines += notes.map { StyledText($0, .faint) }
        if let html { lines += ["", StyledText("page: \(terminal.visible(line: html))")] }
        return lines
    }

    private func table(_ findings: [Finding], on terminal: Terminal) -> TextTable {
        var table = TextTable(columns: [
            .init("head", .right), .init("kinds"), .init("change of loss", .right), .init(""),
        ])
        let plusMinus = terminal.hasUnicode ? "±" : "+-"
        table.rows = findings.map { finding in
            let effect = finding.effect
            var kinds = StyledText()
            if finding.kinds.isEmpty, let nearest = finding.nearest, nearest.score >= Self.nearestFloor {
                kinds.append("(\(nearest.kind) \(DecimalText.fixed(nearest.score, 2)))", .faint)
            }
            for (index, item) in finding.kinds.prefix(2).enumerated() {
                if index > 0 { kinds.append(", ") }
                kinds.append(item.kind.description)
                kinds.append(" \(DecimalText.fixed(item.score, 2))", .faint)
            }
            return [
                StyledText("L\(effect.layer)H\(effect.head)", .bold),
                kinds,
                StyledText(DecimalText.signed(effect.delta, 4)),
                effect.standardError.isFinite
                    ? StyledText("\(plusMinus) \(DecimalText.fixed(effect.standardError, 4))", .faint) : "",
            ]
        }
        return table
    }
}
