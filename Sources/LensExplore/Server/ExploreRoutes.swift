internal import LensCore
internal import LensReport

/// Answers what the guard let in.
struct ExploreRoutes: Sendable {
    let calls: any PageCalls
    let keys: AccessKeys

    func answer(_ request: HTTPCall, to sink: ReplySink) async {
        switch request.route {
        case .page: sink.send(Self.page)
        case .favicon: sink.send(HTTPReply(status: .noContent, type: "image/x-icon", body: []))
        case .open(let token): sink.send(open(token))
        case .call(let name): await answer(name, request.body, to: sink)
        }
    }

    /// The same for everybody: what a user sees comes by the calls.
    private static let page = HTTPReply(
        status: .ok, type: "text/html; charset=utf-8", body: Array(ExplorePage.live.html().utf8),
        headers: [("Content-Security-Policy", ExplorePage.livePolicy)])

    /// The token becomes a cookie and leaves the address, in the browser's history too.
    private func open(_ token: String) -> HTTPReply {
        switch keys.redeem(token) {
        case .good:
            HTTPReply(
                status: .seeOther, type: "text/plain; charset=utf-8", body: [],
                headers: [("Location", "/"), ("Set-Cookie", keys.setCookie)])
        case .used:
            .refusal(
                .forbidden(
                    "this address was good for one time and has been used: in the browser that used it open / "
                        + "instead, for another one start 'lensctl explore' again"), asText: true)
        case .unknown:
            .refusal(.forbidden("no such token: open the address that 'lensctl explore' printed"), asText: true)
        }
    }

    private func answer(_ name: String, _ body: [UInt8], to sink: ReplySink) async {
        guard let call = PageCall(rawValue: name) else {
            return sink.send(.error(.unimplemented("there is no call '\(name.prefix(40))'")))
        }
        if call.isStreamed { return await stream(call, body, to: sink) }
        do throws(LensError) {
            if call == .save {
                let page = try await calls.saved(body)
                sink.send(
                    HTTPReply(
                        status: .ok, type: "text/html; charset=utf-8", body: Array(page.utf8),
                        headers: [("Content-Disposition", "attachment; filename=\"lensctl-explore.html\"")]))
            } else {
                sink.send(.json(try await calls.reply(to: call, body) { _, _ in }.text))
            }
        } catch {
            sink.send(.error(error))
        }
    }

    /// Progress line by line, then the reply: the status goes out with the first line, so an error comes as a line too.
    private func stream(_ call: PageCall, _ body: [UInt8], to sink: ReplySink) async {
        sink.begin(type: "application/x-ndjson")
        do throws(LensError) {
            let reply = try await calls.reply(to: call, body) { done, total in
                let progress = ScriptJSON.object([("done", .integer(done)), ("total", .integer(total))])
                sink.send(line: ScriptJSON.object([("progress", progress)]).text)
            }
            sink.send(line: ScriptJSON.object([("reply", reply)]).text)
        } catch {
            sink.send(line: ScriptJSON.error(error).text)
        }
        sink.end()
    }
}
