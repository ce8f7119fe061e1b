internal import CLensMessages
internal import CProtobufC
internal import LensCore

// sessions.proto: Export, Import, Replay.

extension Coding where Value == ExportSessionRequest {
    static var exportSessionRequest: Self {
        Self(CExportSessionRequest.self) { (message) throws(LensError) in
            ExportSessionRequest(
                name: try sessionName(message.name), runs: try texts(message.n_runs, message.runs, "runs"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            (message.n_runs, message.runs) = arena.array(value.runs.map { arena.bytes($0) })
        }
    }
}

extension Coding where Value == ExportEvent {
    static var exportEvent: Self {
        Self(CExportEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__EXPORT_EVENT__EVENT_SESSION:
                return try required(message.session, "session") { (exported: CExportedSession) throws(LensError) in
                    .session(
                        try required(exported.session, "session") { (session) throws(LensError) in
                            try SessionSummary(session)
                        }, runs: try exported.run_count.count("run_count"),
                        lensdVersion: try exported.lensd_version.text("lensd_version"))
                }
            case LENS__V1__EXPORT_EVENT__EVENT_PART:
                return try required(message.part, "part") { (part) in .part(SessionFilePart(part)) }
            default: throw .invalidArgument("an export's event is a session or a part; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .session(let summary, let runs, let version):
                message.event_case = LENS__V1__EXPORT_EVENT__EVENT_SESSION
                message.session = try arena.message { (exported: inout CExportedSession) throws(LensError) in
                    exported.session = try arena.message { (item: inout CSessionSummary) throws(LensError) in
                        try summary.write(to: &item, arena)
                    }
                    exported.run_count = try arena.uint64(runs, "run_count")
                    exported.lensd_version = arena.bytes(version)
                }
            case .part(let part):
                message.event_case = LENS__V1__EXPORT_EVENT__EVENT_PART
                message.part = try arena.message { (item: inout CSessionFilePart) in part.write(to: &item, arena) }
            }
        }
    }
}

extension Coding where Value == ImportMessage {
    static var importMessage: Self {
        Self(CImportMessage.self) { (message) throws(LensError) in
            switch message.message_case {
            case LENS__V1__IMPORT_MESSAGE__MESSAGE_START:
                return try required(message.start, "start") { (start: CImportStart) throws(LensError) in
                    .start(
                        CreateSessionRequest(
                            name: try statedName(start.name, "name of the session to make"),
                            note: try start.note.text("note")))
                }
            case LENS__V1__IMPORT_MESSAGE__MESSAGE_PART:
                return try required(message.part, "part") { (part) in .part(SessionFilePart(part)) }
            default: throw .invalidArgument("an import's message is a start or a part; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .start(let request):
                message.message_case = LENS__V1__IMPORT_MESSAGE__MESSAGE_START
                message.start = try arena.message { (start: inout CImportStart) in
                    start.name = arena.bytes(request.name)
                    start.note = arena.bytes(request.note)
                }
            case .part(let part):
                message.message_case = LENS__V1__IMPORT_MESSAGE__MESSAGE_PART
                message.part = try arena.message { (item: inout CSessionFilePart) in part.write(to: &item, arena) }
            }
        }
    }
}

extension Coding where Value == ImportEvent {
    static var importEvent: Self {
        Self(CImportEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__IMPORT_EVENT__EVENT_RUN_COUNT:
                return .taken(runs: try message.run_count.count("run_count"))
            case LENS__V1__IMPORT_EVENT__EVENT_SESSION:
                return try required(message.session, "session") { (session) throws(LensError) in
                    .session(try SessionSummary(session))
                }
            default: throw .invalidArgument("an import's event is a count or a session; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .taken(let runs):
                message.event_case = LENS__V1__IMPORT_EVENT__EVENT_RUN_COUNT
                message.run_count = try arena.uint64(runs, "run_count")
            case .session(let summary):
                message.event_case = LENS__V1__IMPORT_EVENT__EVENT_SESSION
                message.session = try arena.message { (item: inout CSessionSummary) throws(LensError) in
                    try summary.write(to: &item, arena)
                }
            }
        }
    }
}

extension SessionFilePart {
    fileprivate init(_ message: CSessionFilePart) {
        self.init(json: message.json.array, isLast: message.last != 0)
    }

    fileprivate func write(to message: inout CSessionFilePart, _ arena: MessageArena) {
        message.json = arena.bytes(json)
        message.last = isLast ? 1 : 0
    }
}

/// A repeated field of text.
private func texts(
    _ count: Int, _ start: UnsafeMutablePointer<ProtobufCBinaryData>?, _ field: String
) throws(LensError) -> [String] {
    var texts: [String] = []
    for bytes in array(count, start) { texts.append(try bytes.text(field)) }
    return texts
}

// MARK: - Replay

extension Coding where Value == ReplaySessionRequest {
    static var replaySessionRequest: Self {
        Self(CReplaySessionRequest.self) { (message) throws(LensError) in
            ReplaySessionRequest(
                name: try sessionName(message.name), runs: try texts(message.n_runs, message.runs, "runs"),
                into: try message.into.text("into"))
        } write: { (value, message, arena) in
            message.name = arena.bytes(value.name)
            (message.n_runs, message.runs) = arena.array(value.runs.map { arena.bytes($0) })
            message.into = arena.bytes(value.into)
        }
    }
}

extension Coding where Value == ReplayEvent {
    static var replayEvent: Self {
        Self(CReplayEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__REPLAY_EVENT__EVENT_PROGRESS:
                return try required(message.progress, "progress") { (progress: CReplayProgress) throws(LensError) in
                    .progress(done: try progress.done.count("done"), total: try progress.total.count("total"))
                }
            case LENS__V1__REPLAY_EVENT__EVENT_RUN:
                return try required(message.run, "run") { (run: CReplayedRun) throws(LensError) in
                    .run(try ReplayedRun(run))
                }
            default: throw .invalidArgument("a replay's event is progress or a run; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .progress(let done, let total):
                message.event_case = LENS__V1__REPLAY_EVENT__EVENT_PROGRESS
                message.progress = try arena.message { (progress: inout CReplayProgress) throws(LensError) in
                    progress.done = try arena.uint64(done, "done")
                    progress.total = try arena.uint64(total, "total")
                }
            case .run(let run):
                message.event_case = LENS__V1__REPLAY_EVENT__EVENT_RUN
                message.run = try arena.message { (item: inout CReplayedRun) in run.write(to: &item, arena) }
            }
        }
    }
}

extension ReplayedRun {
    fileprivate init(_ message: CReplayedRun) throws(LensError) {
        let kindName = try message.kind.text("kind")
        let outcomeName = try message.outcome.text("outcome")
        guard let kind = RunSummary.Kind(rawValue: kindName), let outcome = Outcome(rawValue: outcomeName) else {
            throw .invalidArgument("a replayed run is of the unknown kind or outcome '\(kindName)', '\(outcomeName)'")
        }
        self.init(
            id: try message.id.text("id"), kind: kind, excerpt: try message.excerpt.text("excerpt"), outcome: outcome,
            lossDifference: message.loss_difference, largestDifference: message.largest_difference,
            remark: try message.remark.text("remark"), fingerprint: try message.fingerprint.text("fingerprint"),
            recordedAs: try message.recorded_as.text("recorded_as"))
    }

    fileprivate func write(to message: inout CReplayedRun, _ arena: MessageArena) {
        message.id = arena.bytes(id)
        message.kind = arena.bytes(kind.rawValue)
        message.excerpt = arena.bytes(excerpt)
        message.outcome = arena.bytes(outcome.rawValue)
        message.loss_difference = lossDifference
        message.largest_difference = largestDifference
        message.remark = arena.bytes(remark)
        message.fingerprint = arena.bytes(fingerprint)
        message.recorded_as = arena.bytes(recordedAs)
    }
}
