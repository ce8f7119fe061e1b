import LensCore
import LensTerminal

/// One page of `top`, at most 80 columns wide.
struct TopPage {
    let look: TopLook
    /// The look before, for rates; `nil` for the first.
    let before: TopLook?
    let socket: String

    func lines(on terminal: Terminal) -> [StyledText] {
        head(terminal) + [""] + users(terminal) + calls(terminal)
    }

    // MARK: - The daemon

    private func head(_ terminal: Terminal) -> [StyledText] {
        let status = look.status
        let models = status.modelStates.filter { $0.residency != .known }.map { state in
            state.name + (state.residency == .loading ? " (being loaded)" : "") + (state.isInUse ? " (in use)" : "")
        }
        var rows: [(String, String)] = [
            (
                "daemon",
                "lensd \(status.version.lensd) at \(socket), up \(DecimalText.duration(status.uptimeSeconds)), "
                    + DecimalText.bytes(status.residentBytes)
            ),
            ("engine", (status.runningJobs > 0 ? "computes" : "idle") + ", \(status.queuedJobs) waiting" + engineRates),
            ("calls", "\(look.activity.callsInFlight) in flight, " + callRates),
            (
                "cache",
                "\(DecimalText.bytes(status.cacheBytes)) of \(DecimalText.bytes(status.cacheCapacityBytes))" + hits
            ),
            (
                "models",
                "\(DecimalText.bytes(status.weightBytes)) of \(DecimalText.bytes(status.weightBudgetBytes)): "
                    + (models.isEmpty ? "none in memory" : models.joined(separator: ", "))
            ),
        ]
        if look.users == nil {
            let (own, quota) = (status.own, status.quota)
            rows.append(
                (
                    "you",
                    "\(own.connections) of \(quota.connections) connections, \(own.queuedJobs) of \(quota.queuedJobs) "
                        + "queued, \(DecimalText.bytes(own.storedBytes)) of "
                        + "\(DecimalText.bytes(quota.storedBytes)) stored"
                ))
        }
        return rows.map { name, text in
            let line = terminal.visible(line: Self.cut(text, to: 80 - 8, terminal))
            return StyledText(name, .faint).padded(to: 8) + StyledText(line)
        }
    }

    /// Seconds since the look before; `nil` for the first.
    private var seconds: Double? {
        before.map { max(look.moment - $0.moment, .milliseconds(1)) / Duration.seconds(1) }
    }

    private var callRates: String {
        let activity = look.activity
        guard let before = before?.activity, let seconds else {
            return "\(activity.callsEnded) ended, \(activity.callsFailed) failed"
        }
        return Self.rate(activity.callsEnded, before.callsEnded, seconds) + " ended, "
            + Self.rate(activity.callsFailed, before.callsFailed, seconds) + " failed"
    }

    private var engineRates: String {
        guard let engine = look.activity.engine else { return "" }
        guard let before = before?.activity.engine, let seconds else {
            return ", \(engine.passes) passes, \(engine.rows) positions"
        }
        return ", " + Self.rate(engine.passes, before.passes, seconds) + " passes, "
            + Self.rate(engine.rows, before.rows, seconds) + " positions"
    }

    private var hits: String {
        guard let engine = look.activity.engine, engine.cacheHits + engine.cacheMisses > 0 else { return "" }
        let share = Double(engine.cacheHits) / Double(engine.cacheHits + engine.cacheMisses)
        return ", \(DecimalText.fixed(share * 100, 0)) % hits"
    }

    private static func rate(_ now: Int, _ before: Int, _ seconds: Double) -> String {
        DecimalText.fixed(Double(max(now - before, 0)) / seconds, 1) + "/s"
    }

    // MARK: - Users and calls

    private func users(_ terminal: Terminal) -> [StyledText] {
        guard let users = look.users else { return [] }
        let names = users.users.map {
            Self.cut(terminal.visible(line: UserName($0.userID).text ?? ""), to: 12, terminal)
        }
        return UsageTable.users(users, names: names).lines() + [""]
    }

    private func calls(_ terminal: Terminal) -> [StyledText] {
        let rows = look.activity.calls.map { call in
            let user = UserName(call.userID).text ?? "\(call.userID)"
            let method = call.method.split(separator: ".").last.map(String.init) ?? call.method
            return [call.request, Self.cut(user, to: 12, terminal), Self.cut(method, to: 26, terminal)].map {
                StyledText(terminal.visible(line: $0))
            } + [StyledText(call.isQueued ? "waits" : "runs"), StyledText(DecimalText.duration(call.seconds))]
        }
        guard !rows.isEmpty else { return [StyledText("no calls in flight", .faint)] }
        return TextTable(
            columns: [.init("request"), .init("user"), .init("call"), .init("state"), .init("since", .right)],
            rows: rows
        ).lines()
    }

    private static func cut(_ text: String, to width: Int, _ terminal: Terminal) -> String {
        text.count <= width ? text : text.prefix(max(width - terminal.ellipsis.count, 0)) + terminal.ellipsis
    }
}
