import CoreMetrics
import LensMetrics
import Testing

/// What is counted, as Prometheus reads it.
@Suite struct PrometheusRegistryTests {
    @Test func eachKindHasItsLines() {
        let registry = PrometheusRegistry(help: ["calls_total": "Calls\nthat \\ ended."])
        registry.makeCounter(label: "calls_total", dimensions: [("status", "OK"), ("method", "a\"\\\nb")])
            .increment(by: 2)
        registry.makeCounter(label: "calls_total", dimensions: [("method", "a\"\\\nb"), ("status", "OK")])
            .increment(by: 1)
        registry.makeRecorder(label: "bytes", dimensions: [], aggregate: false).record(1.5)
        registry.makeMeter(label: "level", dimensions: []).set(Double.nan)
        #expect(
            registry.text == """
                # TYPE bytes gauge
                bytes 1.5
                # HELP calls_total Calls\\nthat \\\\ ended.
                # TYPE calls_total counter
                calls_total{method="a\\"\\\\\\nb",status="OK"} 3
                # TYPE level gauge
                level NaN

                """)
    }

    @Test func timesAreCumulativeHistogramsOfSeconds() {
        let registry = PrometheusRegistry()
        let timer = registry.makeTimer(label: "t", dimensions: [("m", "x")])
        for nanoseconds: Int64 in [1_000_000, 1_000_001, 2_000_000_000, 900_000_000_000] {
            timer.recordNanoseconds(nanoseconds)
        }
        let lines = registry.text.split(separator: "\n")
        #expect(lines[0] == "# TYPE t histogram")
        #expect(lines[1] == "t_bucket{m=\"x\",le=\"0.001\"} 1")
        #expect(lines.contains("t_bucket{m=\"x\",le=\"0.0025\"} 2"))
        #expect(lines.contains("t_bucket{m=\"x\",le=\"2.5\"} 3"))
        #expect(lines.contains("t_bucket{m=\"x\",le=\"300\"} 3"))
        #expect(lines.suffix(3).first == "t_bucket{m=\"x\",le=\"+Inf\"} 4")
        #expect(lines.last == "t_count{m=\"x\"} 4")
    }

    @Test func aNameIsOfOneKind() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "n", dimensions: []).increment(by: 1)
        registry.makeMeter(label: "n", dimensions: []).set(Int64(7))
        #expect(registry.text == "# TYPE n counter\nn 1\n")
    }
}
