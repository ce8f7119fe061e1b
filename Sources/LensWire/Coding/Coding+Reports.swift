internal import CLensMessages
internal import LensCore

// reports.proto.

extension Coding where Value == AttentionPageRequest {
    static var attentionPageRequest: Self {
        Self(CAttentionPageRequest.self) { (message) throws(LensError) in
            AttentionPageRequest(
                model: try ModelReference(message.model),
                prompt: try required(message.prompt, "prompt") { (prompt) throws(LensError) in try Prompt(prompt) },
                withAblation: message.with_ablation != 0,
                action: try AblationKind(message.action, "action", missing: .zero),
                title: try message.title.text("title"))
        } write: { (value, message, arena) throws(LensError) in
            message.model = arena.bytes(value.model.description)
            message.prompt = try arena.message { (item: inout CPrompt) throws(LensError) in
                try value.prompt.write(to: &item, arena)
            }
            message.with_ablation = value.withAblation ? 1 : 0
            message.action = value.action.wire
            message.title = arena.bytes(value.title)
        }
    }
}

extension Coding where Value == SessionReportRequest {
    static var sessionReportRequest: Self {
        Self(CSessionReportRequest.self) { (message) throws(LensError) in
            SessionReportRequest(session: try sessionName(message.session), isMarkdown: message.markdown != 0)
        } write: { (value, message, arena) in
            message.session = arena.bytes(value.session)
            message.markdown = value.isMarkdown ? 1 : 0
        }
    }
}

extension Coding where Value == [UInt8] {
    /// A piece of a page.
    static var pageChunk: Self {
        Self(CPageChunk.self) { (message) in
            message.html.array
        } write: { (value, message, arena) in
            message.html = arena.bytes(value)
        }
    }
}
