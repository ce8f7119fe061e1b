internal import CoreMetrics
internal import Synchronization

/// One metric with one set of labels.
protocol Series: AnyObject, Sendable {
    func lines(name: String, labels: String) -> [String]
}

/// A number: a counter's or a gauge's.
final class NumberSeries: Series, CounterHandler, FloatingPointCounterHandler, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func lines(name: String, labels: String) -> [String] {
        [PrometheusText.line(name, labels, value.withLock { $0 })]
    }

    func increment(by amount: Int64) { increment(by: Double(amount)) }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func reset() { set(0.0) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
}

/// How many values were at most so large, for some bounds; times are in seconds.
final class HistogramSeries: Series, RecorderHandler, TimerHandler {
    private struct State {
        /// Of each bound those values that are above the bound before it; the last are above all.
        var counts: [Int]
        var sum = 0.0
    }

    private let bounds: [Double]
    private let state: Mutex<State>

    /// - Parameter bounds: ascending.
    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func lines(name: String, labels: String) -> [String] {
        let state = state.withLock { $0 }
        var lines: [String] = []
        var total = 0
        for (bound, count) in zip(bounds + [.infinity], state.counts) {
            total += count
            let bound = "le=\"\(PrometheusText.number(bound))\""
            lines.append(PrometheusText.line("\(name)_bucket", labels, extra: bound, Double(total)))
        }
        lines.append(PrometheusText.line("\(name)_sum", labels, state.sum))
        lines.append(PrometheusText.line("\(name)_count", labels, Double(total)))
        return lines
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        let index = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock { state in
            state.counts[index] += 1
            state.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }
}
