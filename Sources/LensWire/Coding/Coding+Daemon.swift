internal import CLensMessages
internal import LensCore

// daemon.proto.

extension Coding where Value == DaemonStatus {
    static var daemonStatusReply: Self {
        Self(CDaemonStatusReply.self) { (message) throws(LensError) in
            DaemonStatus(
                version: DaemonVersion(
                    lensd: try message.lensd_version.text("lensd_version"),
                    wireProtocol: Int(message.protocol_version),
                    blas: try message.blas.text("blas"), sqlite: try message.sqlite.text("sqlite")),
                uptimeSeconds: message.uptime_seconds, processID: Int(message.process_id),
                residentBytes: try message.resident_bytes.count("resident_bytes"),
                models: try messages(message.n_models, message.models) { (model: CModelDescription) throws(LensError) in
                    try ModelDescription(model)
                },
                queuedJobs: Int(message.queued_jobs), runningJobs: Int(message.running_jobs),
                cacheBytes: try message.cache_bytes.count("cache_bytes"),
                cacheCapacityBytes: try message.cache_capacity_bytes.count("cache_capacity_bytes"),
                threads: Int(message.threads), connections: Int(message.connections),
                modelStates: try messages(message.n_model_states, message.model_states) {
                    (state: CModelState) throws(LensError) in try ModelState(state)
                },
                weightBytes: try message.weight_bytes.count("weight_bytes"),
                weightBudgetBytes: try message.weight_budget_bytes.count("weight_budget_bytes"),
                own: try SharedAmounts(message.own), quota: try SharedAmounts(message.quota))
        } write: { (value, message, arena) throws(LensError) in
            message.lensd_version = arena.bytes(value.version.lensd)
            message.protocol_version = try arena.uint32(value.version.wireProtocol, "protocol_version")
            message.blas = arena.bytes(value.version.blas)
            message.sqlite = arena.bytes(value.version.sqlite)
            message.uptime_seconds = value.uptimeSeconds
            message.process_id = try arena.uint32(value.processID, "process_id")
            message.resident_bytes = try arena.uint64(value.residentBytes, "resident_bytes")
            (message.n_models, message.models) = try arena.messages(value.models) { (model, item) throws(LensError) in
                try model.write(to: &item, arena)
            }
            message.queued_jobs = try arena.uint32(value.queuedJobs, "queued_jobs")
            message.running_jobs = try arena.uint32(value.runningJobs, "running_jobs")
            message.cache_bytes = try arena.uint64(value.cacheBytes, "cache_bytes")
            message.cache_capacity_bytes = try arena.uint64(value.cacheCapacityBytes, "cache_capacity_bytes")
            message.threads = try arena.uint32(value.threads, "threads")
            message.connections = try arena.uint32(value.connections, "connections")
            (message.n_model_states, message.model_states) = try arena.messages(value.modelStates) {
                (state, item) throws(LensError) in try state.write(to: &item, arena)
            }
            message.weight_bytes = try arena.uint64(value.weightBytes, "weight_bytes")
            message.weight_budget_bytes = try arena.uint64(value.weightBudgetBytes, "weight_budget_bytes")
            message.own = try value.own.written(arena)
            message.quota = try value.quota.written(arena)
        }
    }
}

extension SharedAmounts {
    /// - Parameter message: nothing is none of everything, as in the replies of daemons before quotas.
    init(_ message: UnsafeMutablePointer<CSharedAmounts>?) throws(LensError) {
        guard let message = message?.pointee else {
            self.init()
            return
        }
        self.init(
            connections: Int(message.connections), callsInFlight: Int(message.calls_in_flight),
            queuedJobs: Int(message.queued_jobs), sessions: Int(message.sessions),
            storedBytes: try message.stored_bytes.count("stored_bytes"),
            cachedBytes: try message.cached_bytes.count("cached_bytes"))
    }

    func written(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CSharedAmounts>? {
        try arena.message { (message: inout CSharedAmounts) throws(LensError) in
            message.connections = try arena.uint32(connections, "connections")
            message.calls_in_flight = try arena.uint32(callsInFlight, "calls_in_flight")
            message.queued_jobs = try arena.uint32(queuedJobs, "queued_jobs")
            message.sessions = try arena.uint32(sessions, "sessions")
            message.stored_bytes = try arena.uint64(storedBytes, "stored_bytes")
            message.cached_bytes = try arena.uint64(cachedBytes, "cached_bytes")
        }
    }
}

extension Coding where Value == DaemonUsage {
    static var usageReply: Self {
        Self(CUsageReply.self) { (message) throws(LensError) in
            DaemonUsage(
                users: try messages(message.n_users, message.users) { (user: CUserUsage) throws(LensError) in
                    DaemonUsage.User(userID: user.user_id, amounts: try SharedAmounts(user.amounts))
                },
                quota: try SharedAmounts(message.quota))
        } write: { (value, message, arena) throws(LensError) in
            (message.n_users, message.users) = try arena.messages(value.users) {
                (user, item: inout CUserUsage) throws(LensError) in
                item.user_id = user.userID
                item.amounts = try user.amounts.written(arena)
            }
            message.quota = try value.quota.written(arena)
        }
    }
}

extension Coding where Value == ActivityRequest {
    static var activityRequest: Self {
        Self(CActivityRequest.self) { message in
            ActivityRequest(ofAll: message.all != 0)
        } write: { value, message, _ in
            message.all = value.ofAll ? 1 : 0
        }
    }
}

extension Coding where Value == DaemonActivity {
    static var activityReply: Self {
        Self(CActivityReply.self) { (message) throws(LensError) in
            DaemonActivity(
                calls: try messages(message.n_calls, message.calls) { (call: CCallInFlight) throws(LensError) in
                    CallInFlight(
                        userID: call.user_id, method: try call.method.text("method"), seconds: call.seconds,
                        isQueued: call.queued != 0, request: try call.request.text("request"))
                },
                callsInFlight: Int(message.calls_in_flight),
                callsEnded: try message.calls_ended.count("calls_ended"),
                callsFailed: try message.calls_failed.count("calls_failed"),
                engine: try message.engine.map { (engine) throws(LensError) in try EngineTotals(engine.pointee) })
        } write: { (value, message, arena) throws(LensError) in
            (message.n_calls, message.calls) = try arena.messages(value.calls) { (call, item: inout CCallInFlight) in
                item.user_id = call.userID
                item.method = arena.bytes(call.method)
                item.seconds = call.seconds
                item.queued = call.isQueued ? 1 : 0
                item.request = arena.bytes(call.request)
            }
            message.calls_in_flight = try arena.uint32(value.callsInFlight, "calls_in_flight")
            message.calls_ended = try arena.uint64(value.callsEnded, "calls_ended")
            message.calls_failed = try arena.uint64(value.callsFailed, "calls_failed")
            if let engine = value.engine {
                message.engine = try arena.message { (item: inout CEngineTotals) throws(LensError) in
                    try engine.write(to: &item, arena)
                }
            }
        }
    }
}

extension EngineTotals {
    fileprivate init(_ message: CEngineTotals) throws(LensError) {
        self.init(
            passes: try message.passes.count("passes"), rows: try message.rows.count("rows"),
            cacheHits: try message.cache_hits.count("cache_hits"),
            cacheMisses: try message.cache_misses.count("cache_misses"))
    }

    fileprivate func write(to message: inout CEngineTotals, _ arena: MessageArena) throws(LensError) {
        message.passes = try arena.uint64(passes, "passes")
        message.rows = try arena.uint64(rows, "rows")
        message.cache_hits = try arena.uint64(cacheHits, "cache_hits")
        message.cache_misses = try arena.uint64(cacheMisses, "cache_misses")
    }
}
