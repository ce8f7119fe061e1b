import LensCore
import LensExplore
import LensReport
import Synchronization

/// Calls that answer without a daemon; remembers what reached them.
final class StubCalls: PageCalls {
    private let seen = Mutex<[String]>([])
    private let cancelled = Mutex(0)
    private let waiting = Mutex(0)

    /// Names and bodies of the calls that were let in.
    var calls: [String] { seen.withLock { $0 } }
    var cancelledCount: Int { cancelled.withLock { $0 } }
    var waitingCount: Int { waiting.withLock { $0 } }

    func reply(
        to call: PageCall, _ body: [UInt8], progress: @escaping Progress
    ) async throws(LensError) -> ScriptJSON {
        seen.withLock { $0.append("\(call.rawValue) \(String(decoding: body, as: UTF8.self))") }
        switch call {
        case .model: throw .notFound("there is no such model")
        case .ablate:
            progress(1, 2)
            return .string("swept")
        case .neurons:
            waiting.withLock { $0 += 1 }
            do {
                try await Task.sleep(for: .seconds(60))
            } catch {
                cancelled.withLock { $0 += 1 }
            }
            throw LensError(.cancelled, "nobody waits")
        default: return .object([("call", .string(call.rawValue))])
        }
    }

    func saved(_ body: [UInt8]) async throws(LensError) -> String { "<!DOCTYPE html>saved" }
}
