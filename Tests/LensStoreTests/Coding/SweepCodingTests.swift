import FoundationEssentials
import LensCore
import LensStore
import Testing

/// Sweeps as they lie in a session database.
@Suite struct SweepCodingTests {
    private let recipe = Recipe(
        fingerprint: Samples.fingerprint, model: ModelReference(name: "tiny", form: .raw), tokens: [[0, 5]],
        interventions: [])
    private let summary = RunSummary(
        id: "ab", kind: .sweep, session: "default", createdAt: 1, model: "tiny@raw", fingerprint: Samples.fingerprint,
        promptCount: 1, tokenCount: 2, excerpt: "", loss: 2.5)

    @Test func whatVersionOneWroteIsRead() throws {
        let blob = """
            {"action":"mean","baselineLoss":2.5,"baselineLosses":[2.5],"heads":[
            {"delta":0.5,"head":0,"layer":0,"loss":3,"promptDeltas":[0.5],"standardError":"nan"},
            {"delta":-1,"head":1,"layer":0,"loss":1.5,"promptDeltas":[-1],"standardError":0.25}],
            "hook":"z","texts":[["a","b"]],"version":1}
            """
        let result = try ResultCoding.decode(Data(blob.utf8), of: summary, recipe: recipe)
        guard case .sweep(let reply, let question) = result else { throw LensError(.internal, "not a sweep") }
        #expect(question == .heads(.mean, at: .z, layers: 1))
        #expect(reply.runID == "ab" && reply.model == "tiny" && reply.form == .raw)
        #expect(reply.action == "mean" && reply.hooks == ["z"] && reply.baselineLoss == 2.5)
        #expect(reply.heads.map(\.loss) == [3, 1.5] && reply.heads.map(\.delta) == [0.5, -1])
        #expect(reply.heads[0].standardError.isNaN && reply.heads[1].standardError == 0.25)
        #expect(reply.heads.map(\.promptDeltas) == [[0.5], [-1]])
        #expect(reply.tokens == [[Token(id: 0, text: "a"), Token(id: 5, text: "b")]])
    }

    @Test func everyCornerComesBack() async throws {
        let folder = try TemporaryFolder()
        let store = try Samples.store(folder)
        let question = Sweep(
            edits: [
                Sweep.Edit(
                    kind: .pattern, layers: [1, 0], action: .patch(recipe, prompt: 0, positions: .list([1])),
                    selection: Selection(heads: .list([3]), positions: .index(-1))),
                Sweep.Edit(kind: .embed, layers: [], action: .scale(2)),
            ],
            axes: [.head, .position], isPaired: true,
            metrics: [Metric(.tokenLoss), Metric(.logitDifference, tokens: [5], wrongTokens: [0], positions: [-1])],
            path: Sweep.Path(
                receivers: [
                    Sweep.Receiver(point: HookPoint(.q, layer: 1), selection: Selection(heads: .index(2)))
                ], holdsMLPs: true))
        let reply = SweepReply(
            runID: "", model: "tiny", form: .raw, fingerprint: Samples.fingerprint, action: "patch",
            hooks: ["pattern", "embed"], axes: [.init(.head, entries: [3]), .init(.position, entries: [1])],
            isPaired: true, tokens: [[Token(id: 0, text: "a"), Token(id: 5, text: "b")]],
            metrics: question.metrics.map {
                MetricValues(
                    metric: $0, baseline: 1.0 / 3, baselines: [-0.0], values: [1e-300], standardErrors: [.infinity],
                    columns: [5])
            })
        let run = NewRun(session: "s", recipe: recipe, result: .sweep(reply, of: question), excerpt: "")
        let id = try await store.record(run, owner: 1).id
        guard case .sweep(var found, let asked) = try await store.run(id, for: 1).result else {
            throw LensError(.internal, "not a sweep")
        }
        #expect(asked == question)
        found.runID = ""
        #expect(found == reply)
    }

    @Test func damageIsTold() throws {
        for blob in [
            #"{"version":1,"action":"mean","baselineLoss":1,"baselineLosses":[],"heads":[],"hook":"y","texts":[["a","b"]]}"#,
            #"{"version":1,"action":"half","baselineLoss":1,"baselineLosses":[],"heads":[],"hook":"z","texts":[["a","b"]]}"#,
            #"{"version":2,"action":"zero"}"#, #"{"version":9}"#, "{}",
        ] {
            #expect {
                try ResultCoding.decode(Data(blob.utf8), of: summary, recipe: recipe)
            } throws: { ($0 as? LensError)?.code == .dataLoss }
        }
    }
}
