import LensClient
import LensCore

/// What `top` shows at one moment.
struct TopLook {
    let moment = ContinuousClock.now
    let status: DaemonStatus
    let activity: DaemonActivity
    /// Everybody's, for the administrator.
    let users: DaemonUsage?

    /// - Parameter isAdministrator: whether to ask for everybody's; who may not gets his own.
    init(at connection: LensConnection, isAdministrator: Bool) async throws(LensError) {
        status = try await connection.status()
        if isAdministrator {
            do throws(LensError) {
                (activity, users) = (try await connection.activity(ofAll: true), try await connection.usage())
                return
            } catch {
                guard error.code == .permissionDenied else { throw error }
            }
        }
        (activity, users) = (try await connection.activity(), nil)
    }

    func json(socket: String) -> JSON {
        var members: [(String, JSON)] = [
            ("schema", .integer(1)), ("socket", .string(socket)), ("pid", .integer(status.processID)),
            ("version", .string(status.version.lensd)), ("uptime_seconds", .number(status.uptimeSeconds)),
            ("all_users", .bool(users != nil)), ("running_jobs", .integer(status.runningJobs)),
            ("queued_jobs", .integer(status.queuedJobs)), ("cache_bytes", .integer(status.cacheBytes)),
            ("model_bytes", .integer(status.weightBytes)), ("connections", .integer(status.connections)),
            ("calls_in_flight", .integer(activity.callsInFlight)), ("calls_ended", .integer(activity.callsEnded)),
            ("calls_failed", .integer(activity.callsFailed)), ("own", .amounts(status.own)),
            ("quota", .amounts(status.quota)),
        ]
        if let engine = activity.engine {
            members += [
                ("passes", .integer(engine.passes)), ("rows", .integer(engine.rows)),
                ("cache_hits", .integer(engine.cacheHits)), ("cache_misses", .integer(engine.cacheMisses)),
            ]
        }
        members.append(
            (
                "calls",
                .array(
                    activity.calls.map { call in
                        .object([
                            ("request", .string(call.request)), ("uid", .integer(Int(call.userID))),
                            ("method", .string(call.method)), ("seconds", .number(call.seconds)),
                            ("queued", .bool(call.isQueued)),
                        ])
                    })
            ))
        if let users {
            members.append(
                (
                    "users",
                    .array(
                        users.users.map { user in
                            .object(
                                [("uid", .integer(Int(user.userID)))] + JSON.amounts(user.amounts).members)
                        })
                ))
        }
        return .object(members)
    }
}
