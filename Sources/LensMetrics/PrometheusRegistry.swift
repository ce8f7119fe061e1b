public import CoreMetrics
internal import Synchronization

/// Collects what the program counts through swift-metrics, and writes it as Prometheus reads it.
///
/// Counters become counters, timers histograms of seconds, gauges and meters gauges, recorders histograms. Labels are
/// taken as they are: `lensd_calls_total` rather than `calls`.
public final class PrometheusRegistry: MetricsFactory {
    private struct Family {
        let kind: Kind
        var series: [String: any Series] = [:]
    }

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    /// Upper bounds in seconds: from what a cached answer takes to what a long sweep does.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]

    /// - Parameter help: a line about each metric, by its name.
    public init(help: [String: String] = [:]) {
        self.help = help
    }

    /// Everything in Prometheus's text format, by name.
    public var text: String {
        let families = families.withLock { $0 }.sorted { $0.key < $1.key }
        var lines: [String] = []
        for (name, family) in families {
            if let help = help[name] { lines.append("# HELP \(name) \(PrometheusText.help(help))") }
            lines.append("# TYPE \(name) \(family.kind.rawValue)")
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
                lines += series.lines(name: name, labels: labels)
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// The series of a name with these labels; one that nobody sees where the name is of another kind.
    private func series<Value: Series>(
        _ name: String, _ dimensions: [(String, String)], _ kind: Kind, _ fresh: () -> Value
    ) -> Value {
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            if let family = families[name], family.kind != kind { return fresh() }
            if let present = families[name]?.series[labels] as? Value { return present }
            let value = fresh()
            families[name, default: Family(kind: kind)].series[labels] = value
            return value
        }
    }

    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            families = families.mapValues { family in
                Family(kind: family.kind, series: family.series.filter { $0.value !== handler })
            }
        }
    }
}

// MARK: - What swift-metrics asks for

extension PrometheusRegistry {
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, dimensions, .counter) { NumberSeries() }
    }

    public func makeFloatingPointCounter(
        label: String, dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        series(label, dimensions, .counter) { NumberSeries() }
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, .gauge) { NumberSeries() }
    }

    public func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler {
        guard aggregate else { return series(label, dimensions, .gauge) { NumberSeries() } }
        return series(label, dimensions, .histogram) { HistogramSeries(bounds: Self.bounds) }
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, dimensions, .histogram) { HistogramSeries(bounds: Self.bounds) }
    }

    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }
}
