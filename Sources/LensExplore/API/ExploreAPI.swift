internal import FoundationEssentials
package import LensClient
package import LensCore
package import LensReport

/// The page's calls, each made of calls to the daemon.
///
/// Nothing is kept between two of them but the connection and what is read of a model's unembedding: the daemon has what
/// was computed, in its cache.
package struct ExploreAPI: PageCalls {
    let connection: LensConnection
    let unembedding: KeptUnembedding
    /// The model that calls mean which name none.
    let model: ModelReference
    /// What the page begins with.
    let prompt: Prompt?

    package init(connection: LensConnection, model: ModelReference, prompt: Prompt?) {
        self.connection = connection
        unembedding = KeptUnembedding(connection)
        self.model = model
        self.prompt = prompt
    }

    package func reply(
        to call: PageCall, _ body: [UInt8], progress: @escaping Progress
    ) async throws(LensError) -> ScriptJSON {
        do {
            return switch call {
            case .hello: try await hello()
            case .model: try await model(try Self.decode(body))
            case .tokens: try await tokens(try Self.decode(body))
            case .look: try await look(try Self.decode(body))
            case .head: try await head(try Self.decode(body))
            case .attribution: try await attribution(try Self.decode(body))
            case .ablate: try await ablate(try Self.decode(body), progress)
            case .compare: try await compare(try Self.decode(body), progress)
            case .neurons: try await neurons(try Self.decode(body))
            case .lens: try await lens(try Self.decode(body))
            case .contributions: try await contributions(try Self.decode(body))
            case .why: try await why(try Self.decode(body))
            case .save: throw LensError(.internal, "a page is no JSON")
            }
        } catch let error as LensError {
            throw error
        } catch is CancellationError {
            throw LensError(.cancelled, "the page no longer waits for this")
        } catch {
            throw LensError(.internal, "\(error)")
        }
    }

    /// - Throws: `INVALID_ARGUMENT` that names the member; what a type's own reading throws.
    static func decode<Request: Decodable>(_ body: [UInt8]) throws -> Request {
        do {
            return try JSONDecoder().decode(Request.self, from: Data(body))
        } catch let error as DecodingError {
            throw LensError.invalidArgument(text(error))
        }
    }

    private static func text(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context, _ key: (any CodingKey)? = nil) -> String {
            let keys = context.codingPath + [key].compactMap { $0 }
            let path = keys.map { $0.intValue.map(String.init) ?? $0.stringValue }
            return path.isEmpty ? "the request" : "'\(path.joined(separator: "."))'"
        }
        return switch error {
        case .keyNotFound(let key, let context): "expected \(place(context, key)), which is missing"
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            "\(place(context)) is of another type; expected \(name(type))"
        case .dataCorrupted(let context): "\(place(context)) is not JSON as expected: \(context.debugDescription)"
        @unknown default: "the request is not JSON as expected"
        }
    }

    private static func name(_ type: any Any.Type) -> String {
        switch type {
        case is Int.Type, is Int32.Type: "a whole number"
        case is Double.Type, is Float.Type: "a number"
        case is String.Type: "a string"
        case is Bool.Type: "true or false"
        case is [String: Any].Type: "an object"
        case is [Any].Type: "a list"
        default: "another value"
        }
    }
}
