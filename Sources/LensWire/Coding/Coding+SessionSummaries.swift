internal import CLensMessages
internal import LensCore

// sessions.proto: sessions and runs as lists have them.

extension SessionSummary {
    init(_ message: CSessionSummary) throws(LensError) {
        self.init(
            id: try message.id.text("id"), name: try message.name.text("name"), owner: message.owner,
            ownerName: try message.owner_name.text("owner_name"), address: try message.address.text("address"),
            createdAt: message.created_at, updatedAt: message.updated_at,
            runCount: try message.run_count.count("run_count"), note: try message.note.text("note"),
            isReadOnly: message.read_only != 0, grantCount: Int(message.grant_count))
    }

    func write(to message: inout CSessionSummary, _ arena: MessageArena) throws(LensError) {
        message.id = arena.bytes(id)
        message.name = arena.bytes(name)
        message.owner = owner
        message.owner_name = arena.bytes(ownerName)
        message.address = arena.bytes(address)
        message.created_at = createdAt
        message.updated_at = updatedAt
        message.run_count = try arena.uint64(runCount, "run_count")
        message.note = arena.bytes(note)
        message.read_only = isReadOnly ? 1 : 0
        message.grant_count = try arena.uint32(grantCount, "grant_count")
    }

    static func read(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CSessionSummary>?>?
    ) throws(LensError) -> [SessionSummary] {
        try messages(count, start) { (session: CSessionSummary) throws(LensError) in try SessionSummary(session) }
    }

    static func write(
        _ sessions: [SessionSummary], _ arena: MessageArena
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CSessionSummary>?>?) {
        try arena.messages(sessions) { (session, item) throws(LensError) in try session.write(to: &item, arena) }
    }
}

extension RunSummary {
    init(_ message: CRunSummary) throws(LensError) {
        let name = try message.kind.text("kind")
        guard let kind = Kind(rawValue: name) else {
            throw .invalidArgument("kind must be 'run', 'sweep' or 'generation'; received '\(name)'")
        }
        var edits: [String] = []
        for edit in array(message.n_edits, message.edits) { edits.append(try edit.text("edits")) }
        self.init(
            id: try message.id.text("id"), kind: kind, session: try message.session.text("session"),
            createdAt: message.created_at, model: try message.model.text("model"),
            fingerprint: try message.fingerprint.text("fingerprint"), promptCount: Int(message.prompt_count),
            tokenCount: try message.token_count.count("token_count"), excerpt: try message.excerpt.text("excerpt"),
            loss: message.loss, isHooked: message.hooked != 0, edits: edits,
            detail: try message.detail.text("detail"), note: try message.note.text("note"),
            effects: try messages(message.n_effects, message.effects) { (effect: CSweepEffect) throws(LensError) in
                SweepEffect(place: try effect.place.text("place"), delta: effect.delta)
            }, isImported: message.imported != 0, owner: message.owner)
    }

    func write(to message: inout CRunSummary, _ arena: MessageArena) throws(LensError) {
        message.id = arena.bytes(id)
        message.kind = arena.bytes(kind.rawValue)
        message.session = arena.bytes(session)
        message.created_at = createdAt
        message.model = arena.bytes(model)
        message.fingerprint = arena.bytes(fingerprint)
        message.prompt_count = try arena.uint32(promptCount, "prompt_count")
        message.token_count = try arena.uint64(tokenCount, "token_count")
        message.excerpt = arena.bytes(excerpt)
        message.loss = loss
        message.hooked = isHooked ? 1 : 0
        (message.n_edits, message.edits) = arena.array(edits.map { arena.bytes($0) })
        message.detail = arena.bytes(detail)
        message.note = arena.bytes(note)
        (message.n_effects, message.effects) = try arena.messages(effects, as: CSweepEffect.self) { effect, item in
            item.place = arena.bytes(effect.place)
            item.delta = effect.delta
        }
        message.imported = isImported ? 1 : 0
        message.owner = owner
    }

    static func read(
        _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<CRunSummary>?>?
    ) throws(LensError) -> [RunSummary] {
        try messages(count, start) { (run: CRunSummary) throws(LensError) in try RunSummary(run) }
    }

    static func write(
        _ runs: [RunSummary], _ arena: MessageArena
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<CRunSummary>?>?) {
        try arena.messages(runs) { (run, item) throws(LensError) in try run.write(to: &item, arena) }
    }
}
