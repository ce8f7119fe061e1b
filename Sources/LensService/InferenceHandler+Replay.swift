import LensCore
import LensEngine
import LensStore
import LensWire

extension InferenceHandler {
    /// Runs a session's runs again, oldest first, and says of each what differs.
    func replay(
        _ request: ReplaySessionRequest, _ context: CallContext, _ send: @escaping SendEvent<ReplayEvent>
    ) async throws {
        let address = try await SessionAddress(parsing: request.name)
        if !request.into.isEmpty { try await checkSession(request.into, context) }
        let (_, runs) = try await store.runs(request.runs, of: address, for: context.peer.userID)
        for (number, run) in runs.enumerated() {
            try await send(.progress(done: number, total: runs.count))
            try await send(.run(try await replay(run, into: request.into, context)))
        }
        try await send(.progress(done: runs.count, total: runs.count))
    }

    /// - Throws: what ends the whole replay; what is wrong with the run is its outcome.
    private func replay(
        _ run: RunAddress, into session: String, _ context: CallContext
    ) async throws(LensError) -> ReplayedRun {
        try context.control.check()
        let record = try await store.run(run, for: context.peer.userID)
        let summary = record.summary
        var outcome = ReplayedRun(
            id: summary.id, kind: summary.kind, excerpt: summary.excerpt, outcome: .failed)
        guard !summary.isHooked else {
            outcome.outcome = .skipped
            outcome.remark = "a hook function took part, which the daemon does not have"
            return outcome
        }
        do throws(LensError) {
            let (engine, recipe, isOtherModel) = try await again(record.recipe, context)
            outcome.fingerprint = recipe.fingerprint
            let result = try await result(of: record, recipe, on: engine, context)
            let difference = ResultDifference(record.result, result)
            outcome.outcome = difference.isNone && !isOtherModel ? .same : .differs
            outcome.lossDifference = difference.loss
            outcome.largestDifference = difference.largest
            outcome.remark = difference.remark
            if isOtherModel {
                let change = "the model's weights were \(summary.fingerprint.prefix(12))"
                outcome.remark = outcome.remark.isEmpty ? change : "\(change); \(outcome.remark)"
            }
            if !session.isEmpty {
                let new = NewRun(
                    session: session, recipe: final(recipe, of: result), result: result, excerpt: summary.excerpt)
                outcome.recordedAs = try await store.record(new, owner: context.peer.userID).id
            }
        } catch {
            let endsAll: [StatusCode] = [.cancelled, .deadlineExceeded, .resourceExhausted, .unavailable, .dataLoss]
            guard !endsAll.contains(error.code) else { throw error }
            outcome.remark = error.message
        }
        return outcome
    }

    /// The engine that has a recorded run's model, by its weights or else by its name, and the recipe held against it.
    private func again(
        _ recipe: Recipe, _ context: CallContext
    ) async throws(LensError) -> (Engine, Recipe, isOtherModel: Bool) {
        let engine: Engine
        var isOther = false
        do throws(LensError) {
            engine = try await self.engine.engine(with: recipe, for: context.caller, control: context.control)
        } catch {
            guard error.code == .failedPrecondition || error.code == .notFound else { throw error }
            engine = try await self.engine.engine(with: recipe.model, for: context.caller, control: context.control)
            isOther = true
        }
        let prepared = try engine.prepare(recipe, on: try engine.reference(form: recipe.model.form))
        return (engine.recomputing(), prepared, isOther)
    }

    /// Asks what a recorded run asked.
    private func result(
        of record: RunRecord, _ recipe: Recipe, on engine: Engine, _ context: CallContext
    ) async throws(LensError) -> RunResult {
        switch record.result {
        case .run(let reply):
            let request = RunRequest(
                model: recipe.model, prompts: [], topCount: reply.prompts.map(\.top.count).max() ?? 0,
                wantsPerTokenLoss: reply.prompts.contains { !$0.perTokenLoss.isEmpty }, isRecorded: false,
                wantsLoss: !reply.prompts.allSatisfy(\.loss.isNaN))
            return .run(try await engine.run(request, recipe: recipe, control: context.control))
        case .sweep(_, let sweep):
            let sweep = try engine.prepare(sweep, of: recipe)
            let reply = try await engine.sweep(
                sweep, of: recipe, maximumValues: Self.maximumRecordedValues, control: context.control
            ) { _, _ in }
            return .sweep(reply, of: sweep)
        case .generation(let reply):
            var start = recipe
            start.tokens = zip(recipe.tokens, reply.prompts).map { Array($0.prefix($1.promptLength)) }
            let again = try engine.prepare(start, on: recipe.model)
            return .generation(
                try await engine.generate(reply.options, recipe: again, control: context.control) { _ in })
        }
    }

    /// Of a generation the recipe of its final tokens.
    private func final(_ recipe: Recipe, of result: RunResult) -> Recipe {
        guard case .generation(let reply) = result else { return recipe }
        var final = recipe
        final.tokens = reply.prompts.map { $0.tokens.map(\.id) }
        return final
    }
}
