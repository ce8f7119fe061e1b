internal import FoundationEssentials
package import LensCore
internal import LensReport

/// The page as one file that needs no daemon.
extension ExploreAPI {
    struct SaveRequest: Decodable {
        struct Call: Decodable {
            var name: String
            var request: JSONValue
        }

        var title: String?
        var view: JSONValue?
        var calls: [Call]
    }

    /// Calls that one file holds.
    private static let mostCalls = 256

    /// Makes the calls that the page names anew, and a page with their answers.
    package func saved(_ body: [UInt8]) async throws(LensError) -> String {
        do {
            let request: SaveRequest = try Self.decode(body)
            guard request.calls.count <= Self.mostCalls else {
                throw LensError.invalidArgument(
                    "a saved page holds at most \(Self.mostCalls) calls; received \(request.calls.count)")
            }
            var replies: [(name: String, request: ScriptJSON, reply: ScriptJSON)] = []
            for call in request.calls {
                guard let known = PageCall(rawValue: call.name), known != .save else {
                    throw LensError.invalidArgument("'\(call.name)' is no call whose answer a page can hold")
                }
                let reply = try await reply(to: known, [UInt8](try JSONEncoder().encode(call.request))) { _, _ in }
                replies.append((call.name, call.request.script, reply))
            }
            return ExplorePage.saved(
                title: request.title ?? "", view: request.view?.script ?? .null, replies: replies
            ).html()
        } catch let error as LensError {
            throw error
        } catch {
            throw LensError(.internal, "\(error)")
        }
    }

    /// The page with what it shows first of the command line's prompt, as `--save` writes it.
    ///
    /// - Throws: what the calls throw; `INVALID_ARGUMENT` without a prompt.
    package func savedPage() async throws(LensError) -> String {
        guard let prompt else { throw .invalidArgument("a saved page needs a prompt") }
        let model = ScriptJSON.string(model.description)
        let written = ScriptJSON.prompt(prompt)
        let pass: [(String, ScriptJSON)] = [("model", model), ("prompt", written), ("edits", .array([]))]
        // Exactly what the page asks, member for member: it finds the answers by that.
        let look: [(String, ScriptJSON)] = [
            ("top", .integer(12)), ("kinds", .bool(true)), ("value_norms", .bool(true)), ("position", .integer(-1)),
        ]
        let calls: [(String, [(String, ScriptJSON)])] = [
            ("hello", []), ("look", pass + look), ("ablate", pass + [("kind", .string("zero"))]),
        ]
        let view: [(String, ScriptJSON)] =
            switch prompt {
            case .text(let text, let prependBOS): [("text", .string(text)), ("bos", .bool(prependBOS))]
            case .tokens(let ids): [("ids", .array(ids.map { .integer(Int($0)) }))]
            }
        let request = ScriptJSON.object([
            ("view", .object([("model", model)] + view)),
            (
                "calls",
                .array(calls.map { .object([("name", .string($0.0)), ("request", .object($0.1))]) })
            ),
        ])
        return try await saved(Array(request.text.utf8))
    }
}
