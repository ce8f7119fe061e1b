/// Numbers as pages write them: fixed decimals, a true minus.
enum NumberText {
    /// - Returns: `–` for what is no number.
    static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, value.magnitude < 1e12 else { return "–" }
        var scale = 1
        for _ in 0..<decimals { scale *= 10 }
        let scaled = Int((value.magnitude * Double(scale)).rounded())
        let fraction = String(scaled % scale)
        let digits = decimals == 0 ? "" : "." + String(repeating: "0", count: decimals - fraction.count) + fraction
        return (value < 0 && scaled > 0 ? "−" : "") + String(scaled / scale) + digits
    }

    static func signed(_ value: Double, _ decimals: Int) -> String {
        let text = fixed(value, decimals)
        return text.hasPrefix("−") || text == "–" ? text : "+" + text
    }
}
