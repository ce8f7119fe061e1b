import ArgumentParser
import LensCore
import LensTerminal

extension Models {
    struct Verify: ConsoleCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print what a model makes of a fixed prompt, to compare with transformers.",
            discussion: """
                Loss, likeliest next tokens and the L2 norms of the residual stream and the logits, of the checkpoint's \
                own weights and after weight processing. The two forms are one function: where they disagree about \
                a probability, the exit status is 1.

                'python -m lensd.verify' computes the raw form through transformers (pip install 'lensd[verify]') \
                and says what differs.

                Examples:
                  lensctl models verify stories
                  lensctl models verify stories@raw --text "Tom saw a cat."
                  lensctl models verify toy --ids 5,7,9 --json
                  lensctl models verify stories --json | python -m lensd.verify DIR --compare -
                """)

        @Argument(help: ArgumentHelp("The model; NAME@raw is that form alone. Default: as --model.", valueName: "name"))
        var name: String?
        @Option(help: ArgumentHelp("Another prompt.", valueName: "text"))
        var text: String?
        @Option(help: ArgumentHelp("Token ids instead of text, such as 5,7,9; nothing in front.", valueName: "ids"))
        var ids: String?
        @OptionGroup(title: "Everywhere") var global: GlobalOptions

        func validate() throws {
            guard text == nil || ids == nil else {
                throw ValidationError("a prompt comes from one place; received --text and --ids")
            }
            guard name == nil || global.model == nil else {
                throw ValidationError("a model is named once; received NAME and --model")
            }
        }

        func run(on console: Console) async throws {
            let reference = try name.map { try ModelReference(parsing: $0) } ?? global.modelReference()
            let prompt: Prompt? =
                if let ids { .tokens(try TokenIDs(parsing: ids).ids) } else { text.map { .text($0, prependBOS: true) } }
            let connection = try global.connect()
            let status = try await connection.status()
            let report = try await ParityReport.of(
                connection.describeModel(reference).model,
                forms: reference.form == .raw ? [.raw] : [.raw, .processed],
                prompt: prompt, daemon: status.version, connection: connection)
            console.answer(JSON.parity(report)) { terminal in report.lines(on: terminal) }
            let found = report.disagreements
            guard found.isEmpty else {
                for line in found { Console.complain("the forms disagree: \(line)") }
                throw ExitCode(ExitStatus.failure.rawValue)
            }
        }
    }
}

extension ParityReport {
    /// The layout of `python -m lensd.verify`.
    fileprivate func lines(on terminal: Terminal) -> [StyledText] {
        func fact(_ name: String, _ value: String) -> StyledText {
            var line = StyledText(name + String(repeating: " ", count: max(13 - name.count, 1)), .faint)
            line.append(terminal.visible(line: value))
            return line
        }
        var lines = [
            fact("model", model), fact("by", source), fact("fingerprint", fingerprint),
            fact("tokens", "\(tokens.count):"),
        ]
        lines += TokenStrip(tokens).lines(on: terminal)
        for form in forms {
            lines.append("")
            var title = StyledText(form.form.rawValue, .bold)
            title.append("  loss \(DecimalText.fixed(form.loss, 6))")
            if !form.processing.isEmpty { title.append("  \(form.processing.joined(separator: ", "))", .faint) }
            lines.append(title)
            var next = TextTable(columns: [
                .init("next", .right), .init("id", .right), .init("token"), .init("logprob", .right),
            ])
            next.rows = form.top.enumerated().map { rank, prediction in
                [
                    StyledText(String(rank + 1), .faint), StyledText(String(prediction.token.id), .faint),
                    StyledText(terminal.visible(token: prediction.token.text)),
                    StyledText(DecimalText.fixed(Double(prediction.logprob), 5)),
                ]
            }
            var norms = TextTable(columns: [.init("L2 norm"), .init("mean", .right), .init("last", .right)])
            norms.rows = form.norms.map {
                [
                    StyledText($0.hook), StyledText(DecimalText.fixed($0.mean, 5)),
                    StyledText(DecimalText.fixed($0.last, 5)),
                ]
            }
            lines += next.lines() + norms.lines()
        }
        return lines
    }
}

extension JSON {
    fileprivate static func parity(_ report: ParityReport) -> JSON {
        .object([
            ("schema", .integer(1)), ("model", .string(report.model)), ("source", .string(report.source)),
            ("fingerprint", .string(report.fingerprint)), ("tokens", .tokens(report.tokens)),
            (
                "forms",
                .array(
                    report.forms.map { form in
                        .object([
                            ("form", .string(form.form.rawValue)),
                            ("processing", .array(form.processing.map(JSON.string))), ("loss", .number(form.loss)),
                            ("top", .predictions(form.top)),
                            (
                                "norms",
                                .array(
                                    form.norms.map {
                                        .object([
                                            ("hook", .string($0.hook)), ("mean", .number($0.mean)),
                                            ("last", .number($0.last)),
                                        ])
                                    })
                            ),
                        ])
                    })
            ),
            ("disagreements", .array(report.disagreements.map(JSON.string))),
        ])
    }
}
