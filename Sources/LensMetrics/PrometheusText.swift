/// The pieces of Prometheus's text format.
enum PrometheusText {
    /// `method="Run",status="OK"`, sorted by name; empty without labels.
    static func labels(_ dimensions: [(String, String)]) -> String {
        dimensions.sorted { $0.0 < $1.0 }.map { "\($0)=\"\(escaped($1))\"" }.joined(separator: ",")
    }

    /// One sample's line.
    ///
    /// - Parameter extra: a label beside the series' own.
    static func line(_ name: String, _ labels: String, extra: String = "", _ value: Double) -> String {
        let all = [labels, extra].filter { !$0.isEmpty }.joined(separator: ",")
        return name + (all.isEmpty ? "" : "{\(all)}") + " " + number(value)
    }

    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        return Int64(exactly: value).map { "\($0)" } ?? "\(value)"
    }

    static func help(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\n", with: "\\n")
    }

    private static func escaped(_ text: String) -> String {
        text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
