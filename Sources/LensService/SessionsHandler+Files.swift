import LensCore
import LensStore
import LensWire

extension SessionsHandler {
    /// Sends the session and its runs. Who may read them is asked for each: a grant that is taken back ends it.
    func export(
        _ request: ExportSessionRequest, _ context: CallContext, _ send: @escaping SendEvent<ExportEvent>
    ) async throws {
        let address = try await SessionAddress(parsing: request.name)
        let (session, runs) = try await store.runs(request.runs, of: address, for: context.peer.userID)
        try await send(.session(await named(session), runs: runs.count, lensdVersion: lensdVersion))
        for run in runs {
            try context.control.check()
            let record = try await store.run(run, for: context.peer.userID)
            let json = try await context.aside { () throws(LensError) in try PortableRun.encode(record) }
            for part in SessionFilePart.parts(of: json) { try await send(.part(part)) }
        }
    }

    /// Takes a session in, run by run. Where it does not come to its end, nothing of it stays. A retry of one that did
    /// is taken in once more, and not written again.
    func importSession(
        _ first: ImportMessage, _ messages: RequestSource<ImportMessage>, _ context: CallContext,
        _ send: @escaping SendEvent<ImportEvent>
    ) async throws {
        guard case .start(let request) = first else {
            throw LensError.invalidArgument("an import begins with a start; received a part")
        }
        let owner = context.peer.userID
        let (session, isIn) = try await store.beginImport(request, requestID: context.requestID, owner: owner)
        do {
            var bytes: [UInt8] = []
            var count = 0
            while let message = try await messages.next() {
                try context.control.check()
                guard case .part(let part) = message else {
                    throw LensError.invalidArgument("an import has one start; received another")
                }
                guard bytes.count + part.json.count <= PortableRun.largestRecord else {
                    throw LensError.invalidArgument(
                        "a run has at most \(PortableRun.largestRecord) bytes; received more")
                }
                bytes += part.json
                if part.isLast {
                    if !isIn { try await add(bytes, number: count, to: session, context) }
                    bytes = []
                    count += 1
                }
                try await send(.taken(runs: count))
            }
            guard bytes.isEmpty else { throw LensError.invalidArgument("the import ended within run \(count)") }
            let whole = try await store.endImport(
                of: request, as: session, requestID: context.requestID, owner: owner)
            try await send(.session(await named(whole)))
            context.logger.info("session imported", metadata: ["runs": "\(count)"])
        } catch {
            // Of its own, for this task may be cancelled already.
            await Task { await store.dropImport(session, owner: owner) }.value
            throw error
        }
    }

    private func add(
        _ json: [UInt8], number: Int, to session: String, _ context: CallContext
    ) async throws(LensError) {
        let run: ImportedRun
        do {
            run = try await context.aside { () throws(LensError) in try PortableRun.decode(json) }
        } catch {
            throw LensError(error.code, "run \(number) of the file: \(error.message)", cause: error.cause)
        }
        try await store.add(run, to: session, owner: context.peer.userID)
    }
}
