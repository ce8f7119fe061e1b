import LensCore
import LensWire
import Synchronization

extension Router {
    /// Methods with behaviour that tests can steer by what they ask for.
    ///
    /// - `tokenize` answers a token per prompt, at once.
    /// - `run` waits as many milliseconds as `topCount` says and ends early when it is told to; its loss is 0.5.
    /// - `query` sends a header and then as many chunks of 64 KiB as the hook's name says.
    /// - `runHooked` sends back the values that it is sent.
    static var echo: Router {
        var router = Router()
        router.unary(.tokenize) { request, _ in
            TokenizeReply(
                model: request.model.description,
                tokens: request.prompts.map { prompt in
                    switch prompt {
                    case .text(let text, let prependBOS): [Token(id: prependBOS ? 1 : 0, text: text)]
                    case .tokens(let ids): ids.map { Token(id: $0, text: "") }
                    }
                },
                texts: [])
        }
        router.unary(.run) { request, context in
            try await Task.sleep(for: .milliseconds(request.topCount))
            return RunReply(
                runID: "", model: "m", form: .processed, fingerprint: "f", loss: 0.5, prompts: [])
        }
        router.streaming(.query) { request, _, sink in
            let chunks = Int(request.hook) ?? 0
            let size = 64 << 10
            try await sink.send(
                .header(
                    TensorHeader(
                        hook: request.hook, prompt: 0, elementType: .float32, shape: [chunks, size / 4], model: "m",
                        fingerprint: "f", tokens: [])))
            for chunk in 0..<chunks {
                let bytes = [UInt8](repeating: UInt8(truncatingIfNeeded: chunk), count: size)
                try await sink.send(.values(ValueBytes(bytes)))
            }
        }
        router.bidirectional(.runHooked) { _, messages, _, sink in
            while let message = try await messages.next() {
                if case .answer(.values(let bytes)) = message { try await sink.send(.hook(.values(bytes))) }
            }
        }
        return router
    }
}

extension TokenizeRequest {
    static func of(_ text: String) -> TokenizeRequest {
        TokenizeRequest(model: ModelReference(name: "m"), prompts: [.text(text, prependBOS: true)])
    }
}

extension RunRequest {
    /// A request that the echo router answers after so long.
    static func lasting(milliseconds: Int) -> RunRequest {
        RunRequest(model: ModelReference(name: "m"), prompts: [.text("x", prependBOS: true)], topCount: milliseconds)
    }
}
