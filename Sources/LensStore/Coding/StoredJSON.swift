import FoundationEssentials
import LensCore

/// JSON blobs that begin with their version; doubles keep every bit, NaN and the infinities are strings.
enum StoredJSON {
    private struct Version: Decodable {
        var version: Int
    }

    /// - Parameter isPlain: numbers are for people to read, see ``NumberSpelling``.
    static func encode(_ value: some Encodable, isPlain: Bool = false) throws(LensError) -> Data {
        let encoder = JSONEncoder()
        if let key = NumberSpelling.key, isPlain { encoder.userInfo[key] = true }
        encoder.outputFormatting = .sortedKeys
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            return try encoder.encode(value)
        } catch {
            throw LensError(.internal, "a result cannot be written to the session database", cause: error)
        }
    }

    /// The format that a blob says it has.
    static func version(of data: Data) throws(LensError) -> Int {
        do {
            return try JSONDecoder().decode(Version.self, from: data).version
        } catch {
            throw LensError(.dataLoss, "a value in the session database cannot be read", cause: error)
        }
    }

    /// - Throws: `DATA_LOSS` for another version and for anything that is missing or of the wrong type.
    static func decode<Value: Decodable>(
        _ type: Value.Type, from data: Data, version: Int
    ) throws(LensError) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            let found = try Self.version(of: data)
            guard found == version else {
                throw LensError.dataLoss("a stored value has format \(found), expected \(version)")
            }
            return try decoder.decode(type, from: data)
        } catch let error as LensError {
            throw error
        } catch {
            throw LensError(.dataLoss, "a value in the session database cannot be read", cause: error)
        }
    }

    /// Reads a file's JSON, its numbers plain.
    ///
    /// - Throws: `INVALID_ARGUMENT` that says where it is wrong.
    static func decodePlain<Value: Decodable>(_ type: Value.Type, from data: Data) throws(LensError) -> Value {
        let decoder = JSONDecoder()
        decoder.nonConformingFloatDecodingStrategy = .convertFromString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        if let key = NumberSpelling.key { decoder.userInfo[key] = true }
        do {
            return try decoder.decode(type, from: data)
        } catch let error as LensError {
            throw error
        } catch let error as DecodingError {
            throw LensError(.invalidArgument, "the file's JSON \(error.place)", cause: error)
        } catch {
            throw LensError(.invalidArgument, "the file's JSON cannot be read", cause: error)
        }
    }
}

extension DecodingError {
    /// What is wrong and where, without the values.
    fileprivate var place: String {
        func path(_ context: Context) -> String {
            let keys = context.codingPath.prefix(8).map { $0.intValue.map(String.init) ?? $0.stringValue }
            return keys.isEmpty ? "at its top" : "at \(keys.joined(separator: ".").quotedForMessage)"
        }
        return switch self {
        case .keyNotFound(let key, let context): "has no '\(key.stringValue)' \(path(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context): "has another type \(path(context))"
        case .dataCorrupted(let context): "is damaged \(path(context))"
        @unknown default: "cannot be read"
        }
    }
}
