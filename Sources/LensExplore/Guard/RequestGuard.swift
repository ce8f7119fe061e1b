internal import NIOHTTP1

/// Decides by a request's head whether it comes from this server's own page in this user's browser.
///
/// Loopback is open to every user of the machine, and every page of the web can make a browser ask it for something.
/// What keeps both out: the name that was asked for (a foreign name that was bound to 127.0.0.1 is not ours), where the
/// request says it comes from, and the cookie that only a one-time token gives.
struct RequestGuard: Sendable {
    let port: Int
    let keys: AccessKeys

    /// What may be asked for.
    enum Route: Equatable {
        case page
        case favicon
        /// A browser that was given the address, with its token.
        case open(token: String)
        case call(String)
    }

    /// The names under which the server may be asked; the second one for forwarded ports.
    private var hosts: [String] { ["127.0.0.1:\(port)", "localhost:\(port)"] }

    /// - Throws: the first thing that is wrong.
    func route(_ head: HTTPRequestHead) throws(Refusal) -> Route {
        let host = try host(head.headers)
        let route = try path(head)
        switch route {
        case .call:
            try checkOrigin(head.headers, host: host)
            try checkType(head.headers)
            guard keys.admits(head.headers["Cookie"]) else {
                throw Refusal(
                    status: .unauthorized, code: .unauthenticated,
                    message: "this browser was not let in: open the address that 'lensctl explore' printed, once")
            }
        case .page, .favicon, .open:
            try checkNavigation(head.headers, of: route)
        }
        return route
    }

    private func host(_ headers: HTTPHeaders) throws(Refusal) -> String {
        let given = headers["Host"]
        guard given.count == 1, let host = given.first, hosts.contains(host) else {
            throw .forbidden(
                "expected to be asked as \(hosts.joined(separator: " or ")); received the host "
                    + (given.isEmpty ? "of no name" : given.map { "'\($0)'" }.joined(separator: ", "))
                    + ". A forwarded port must have the same number on both sides")
        }
        return host
    }

    private func path(_ head: HTTPRequestHead) throws(Refusal) -> Route {
        guard head.uri.first == "/" else {
            throw .badRequest("expected a path such as '/'; received '\(head.uri.prefix(80))'")
        }
        let parts = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        let path = String(parts.first ?? "")
        let route: Route
        switch path {
        case "/": route = .page
        case "/favicon.ico": route = .favicon
        case "/open":
            let query = parts.count == 2 ? parts[1] : ""
            guard query.hasPrefix("token=") else { throw .badRequest("expected /open?token=…") }
            route = .open(token: String(query.dropFirst("token=".count)))
        case _ where path.hasPrefix("/api/"):
            route = .call(String(path.dropFirst("/api/".count)))
        default:
            throw Refusal(
                status: .notFound, code: .notFound,
                message: "there is nothing at '\(path.prefix(80))'; the page is at /")
        }
        let expected: HTTPMethod = if case .call = route { .POST } else { .GET }
        guard head.method == expected else {
            throw Refusal(
                status: .methodNotAllowed, code: .invalidArgument,
                message: "\(path.prefix(80)) takes \(expected.rawValue); received \(head.method.rawValue)",
                allow: expected.rawValue)
        }
        return route
    }

    /// A call is made by the page's script and by nothing else.
    private func checkOrigin(_ headers: HTTPHeaders, host: String) throws(Refusal) {
        let origins = headers["Origin"]
        guard origins == ["http://\(host)"] else {
            throw .forbidden(
                "expected a call of the page itself, from 'http://\(host)'; received "
                    + (origins.isEmpty ? "no origin" : origins.map { "'\($0)'" }.joined(separator: ", ")))
        }
        // Older browsers do not say; those that do cannot be made to lie by a page.
        if let site = headers["Sec-Fetch-Site"].first(where: { $0 != "same-origin" }) {
            throw .forbidden("expected a call of the page itself; the browser says it is '\(site)'")
        }
    }

    private func checkType(_ headers: HTTPHeaders) throws(Refusal) {
        let types = headers["Content-Type"]
        let isJSON = types.first.map { type in
            type.split(separator: ";").first.map { $0.lowercased() } == "application/json"
        }
        guard types.count == 1, isJSON == true else {
            throw Refusal(
                status: .unsupportedMediaType, code: .invalidArgument,
                message: "expected Content-Type: application/json; received "
                    + (types.isEmpty ? "none" : types.map { "'\($0)'" }.joined(separator: ", ")))
        }
    }

    /// Pages are opened in windows, not put into other pages, and not fetched ahead of being wanted.
    private func checkNavigation(_ headers: HTTPHeaders, of route: Route) throws(Refusal) {
        if headers["Sec-Purpose"].contains(where: { $0.contains("prefetch") })
            || headers["Purpose"].contains("prefetch")
        {
            throw Refusal(
                status: .serviceUnavailable, code: .unavailable, message: "this page is not fetched ahead of its visit")
        }
        guard route != .favicon else { return }
        if let use = headers["Sec-Fetch-Dest"].first(where: { $0 != "document" }) {
            throw .forbidden("expected to be opened as a page of its own; the browser wants it as '\(use)'")
        }
    }
}
