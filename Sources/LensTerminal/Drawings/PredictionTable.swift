import Glibc
import LensCore

/// The likeliest next tokens with bars as long as they are likely.
public struct PredictionTable: Sendable {
    private let predictions: [Prediction]

    public init(_ predictions: [Prediction]) {
        self.predictions = predictions
    }

    public func lines(on terminal: Terminal) -> [StyledText] {
        var table = TextTable(columns: [
            .init("next", .right), .init("id", .right), .init("token"), .init("logprob", .right), .init("prob", .right),
            .init(""),
        ])
        for (rank, prediction) in predictions.enumerated() {
            let probability = exp(Double(prediction.logprob))
            let token = terminal.visible(token: prediction.token.text)
            table.rows.append([
                StyledText(String(rank + 1), .faint),
                StyledText(String(prediction.token.id), .faint),
                StyledText(token.truncated(to: 24, mark: terminal.ellipsis), .bold),
                StyledText(DecimalText.fixed(Double(prediction.logprob), 3), .faint),
                StyledText(DecimalText.fixed(probability * 100, 1) + "%"),
                bar(probability, columns: 28, on: terminal),
            ])
        }
        return table.lines()
    }

    private func bar(_ share: Double, columns: Int, on terminal: Terminal) -> StyledText {
        guard share.isFinite, share > 0 else { return "" }
        let length = min(share, 1) * Double(columns)
        guard terminal.hasUnicode else { return StyledText(String(repeating: "#", count: Int(length.rounded()))) }
        let eighths = max(Int((length * 8).rounded()), 1)
        let text = String(repeating: "█", count: eighths / 8) + (eighths % 8 > 0 ? eighthBlocks[eighths % 8 - 1] : "")
        return StyledText(text, Ink(.accent))
    }
}
