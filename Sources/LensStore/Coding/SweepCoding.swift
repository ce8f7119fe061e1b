import FoundationEssentials
import LensCore

/// A sweep's question and answer as JSON.
///
/// Version 1, which knew zero and mean of whole heads and their losses, is still read.
enum SweepCoding {
    private static let version = 2

    static func encode(_ reply: SweepReply, of sweep: Sweep) throws(LensError) -> Data {
        try StoredJSON.encode(stored(reply, of: sweep))
    }

    static func stored(_ reply: SweepReply, of sweep: Sweep) -> StoredSweep {
        StoredSweep(
            version: version, edits: NestedInterventions(sweep.edits.map(\.first)),
            layers: sweep.edits.map(\.layers), axes: sweep.axes.map(\.rawValue), isPaired: sweep.isPaired,
            path: sweep.path.map(StoredPath.init), action: reply.action, hooks: reply.hooks,
            entries: reply.axes.map(\.entries), texts: reply.tokens.map { $0.map(\.text) },
            metrics: reply.metrics.map(StoredMetric.init))
    }

    static func decode(
        _ data: Data, of summary: RunSummary, recipe: Recipe
    ) throws(LensError) -> (reply: SweepReply, sweep: Sweep) {
        if try StoredJSON.version(of: data) == 1 {
            return try StoredJSON.decode(SweepVersion1.self, from: data, version: 1).reply(of: summary, recipe: recipe)
        }
        return try result(try StoredJSON.decode(StoredSweep.self, from: data, version: version), summary, recipe)
    }

    static func result(
        _ stored: StoredSweep, _ summary: RunSummary, _ recipe: Recipe
    ) throws(LensError) -> (reply: SweepReply, sweep: Sweep) {
        guard stored.version == version else {
            throw .dataLoss("a stored sweep has format \(stored.version), expected \(version)")
        }
        let sweep = try stored.sweep()
        guard stored.entries.count == sweep.axes.count else { throw .dataLoss("a stored sweep has lost axes") }
        let reply = SweepReply(
            runID: summary.id, model: recipe.model.name ?? "", form: recipe.model.form,
            fingerprint: summary.fingerprint, action: stored.action, hooks: stored.hooks,
            axes: zip(sweep.axes, stored.entries).map { SweepReply.Axis($0, entries: $1) }, isPaired: sweep.isPaired,
            tokens: try ResultCoding.tokens(recipe.tokens, stored.texts), metrics: try stored.values())
        do {
            try reply.checkComplete()
        } catch {
            throw LensError(.dataLoss, "a stored sweep has lost values", cause: error)
        }
        return (reply, sweep)
    }
}

extension Sweep.Edit {
    /// The edit at the first of its points.
    fileprivate var first: Intervention {
        Intervention(point: HookPoint(kind, layer: layers.first), action: action, selection: selection)
    }
}

struct StoredSweep: Codable {
    var version: Int
    /// Each edit at its first point; and the layers of each.
    var edits: NestedInterventions
    var layers: [[Int]]
    var axes: [String]
    var isPaired: Bool
    var path: StoredPath?
    var action: String
    var hooks: [String]
    var entries: [[Int]]
    var texts: [[String]]
    var metrics: [StoredMetric]

    func sweep() throws(LensError) -> Sweep {
        let interventions = try InterventionsCoding.interventions(edits.interventions)
        let known = axes.compactMap(SweepAxis.init)
        guard interventions.count == layers.count, known.count == axes.count else {
            throw .dataLoss("a stored sweep goes along unknown axes or has lost edits")
        }
        var metrics: [Metric] = []
        for metric in self.metrics { metrics.append(try metric.metric()) }
        return Sweep(
            edits: zip(interventions, layers).map { edit, layers in
                Sweep.Edit(kind: edit.point.kind, layers: layers, action: edit.action, selection: edit.selection)
            },
            axes: known, isPaired: isPaired, metrics: metrics,
            path: try path.map { (path) throws(LensError) in
                try path.path()
            })
    }

    func values() throws(LensError) -> [MetricValues] {
        var values: [MetricValues] = []
        for metric in metrics { values.append(try metric.result()) }
        return values
    }
}

/// Receivers as edits, each as if it were set to zero.
struct StoredPath: Codable {
    var receivers: NestedInterventions
    var holdsMLPs: Bool

    init(_ path: Sweep.Path) {
        receivers = NestedInterventions(
            path.receivers.map { Intervention(point: $0.point, action: .zero, selection: $0.selection) })
        holdsMLPs = path.holdsMLPs
    }

    func path() throws(LensError) -> Sweep.Path {
        Sweep.Path(
            receivers: try InterventionsCoding.interventions(receivers.interventions).map {
                Sweep.Receiver(point: $0.point, selection: $0.selection)
            }, holdsMLPs: holdsMLPs)
    }
}

struct StoredMetric: Codable {
    var kind: String
    var tokens: [Int32]
    var wrongTokens: [Int32]
    var positions: [Int]
    var baseline: Double
    var baselines: StoredNumbers
    var values: StoredNumbers
    var standardErrors: StoredNumbers
    var columns: StoredNumbers

    init(_ values: MetricValues) {
        kind = values.metric.kind.rawValue
        tokens = values.metric.tokens
        wrongTokens = values.metric.wrongTokens
        positions = values.metric.positions
        baseline = values.baseline
        baselines = StoredNumbers(values.baselines)
        self.values = StoredNumbers(values.values)
        standardErrors = StoredNumbers(values.standardErrors)
        columns = StoredNumbers(values.columns)
    }

    func metric() throws(LensError) -> Metric {
        guard let kind = Metric.Kind(rawValue: kind) else {
            throw .dataLoss("a stored sweep has the unknown metric \(kind.quotedForMessage)")
        }
        return Metric(kind, tokens: tokens, wrongTokens: wrongTokens, positions: positions)
    }

    func result() throws(LensError) -> MetricValues {
        let result = MetricValues(
            metric: try metric(), baseline: baseline, baselines: baselines.values, values: values.values,
            standardErrors: standardErrors.values, columns: columns.values)
        guard result.standardErrors.count == result.values.count,
            result.columns.count == result.values.count * result.baselines.count
        else {
            throw .dataLoss("a stored sweep has lost values of the metric \(kind.quotedForMessage)")
        }
        return result
    }
}

/// As 0.1 wrote it.
private struct SweepVersion1: Codable {
    struct Head: Codable {
        var layer: Int
        var head: Int
        var loss: Double
        var delta: Double
        var standardError: Double
        var promptDeltas: [Double]
    }

    var action: String
    var hook: String
    var texts: [[String]]
    var baselineLoss: Double
    var baselineLosses: [Double]
    var heads: [Head]

    func reply(of summary: RunSummary, recipe: Recipe) throws(LensError) -> (reply: SweepReply, sweep: Sweep) {
        guard let action = AblationKind(rawValue: action) else {
            throw .dataLoss("a stored sweep has the unknown action \(action.quotedForMessage)")
        }
        guard let kind = HookKind.allCases.first(where: { $0.shortName == hook }) else {
            throw .dataLoss("a stored sweep is over the unknown hook \(hook.quotedForMessage)")
        }
        let layers = (heads.map(\.layer).max() ?? -1) + 1
        let reply = SweepReply(
            runID: summary.id, model: recipe.model.name ?? "", form: recipe.model.form,
            fingerprint: summary.fingerprint, action: action, hook: hook,
            tokens: try ResultCoding.tokens(recipe.tokens, texts), baselineLoss: baselineLoss,
            baselineLosses: baselineLosses,
            heads: heads.map { head in
                HeadEffect(
                    layer: head.layer, head: head.head, loss: head.loss, delta: head.delta,
                    standardError: head.standardError, promptDeltas: head.promptDeltas)
            })
        return (reply, .heads(action, at: kind, layers: layers))
    }
}
