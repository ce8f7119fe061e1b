import LensCore
import Synchronization

/// New tokens on their way to one client.
///
/// The engine never waits for the client, and no token is lost: what he has not taken yet is joined prompt by prompt,
/// so that at most the generation's own tokens wait here.
final class GenerationOutbox: Sendable {
    /// Tokens of one event: with their texts some hundred kilobytes.
    private static let eventTokens = 4096

    private let waiting = Mutex<[Int: GeneratedTokens]>([:])
    private let arrivals: AsyncStream<Void>
    private let source: AsyncStream<Void>.Continuation

    init() {
        (arrivals, source) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func add(_ news: [GeneratedTokens]) {
        waiting.withLock { waiting in
            for new in news {
                waiting[new.prompt, default: GeneratedTokens(prompt: new.prompt, tokens: [], text: "")].append(new)
            }
        }
        source.yield()
    }

    /// Nothing more will be added.
    func close() { source.finish() }

    /// What is to be sent next; waits for it. `nil` when everything was taken and nothing more will come.
    func next() async -> [GeneratedTokens]? {
        while true {
            if let tokens = take() { return tokens }
            var iterator = arrivals.makeAsyncIterator()
            if await iterator.next() == nil { return take() }
        }
    }

    private func take() -> [GeneratedTokens]? {
        waiting.withLock { waiting in
            var taken: [GeneratedTokens] = []
            var count = 0
            for prompt in waiting.keys.sorted() where count < Self.eventTokens {
                guard let tokens = waiting.removeValue(forKey: prompt) else { continue }
                count += tokens.tokens.count
                taken.append(tokens)
            }
            return taken.isEmpty ? nil : taken
        }
    }
}

extension GeneratedTokens {
    fileprivate mutating func append(_ other: GeneratedTokens) {
        tokens += other.tokens
        text += other.text
    }
}
