import FoundationEssentials
import LensCore

/// JSON blobs that begin with their version; doubles keep every bit, NaN and the infinities are strings.
enum StoredJSON {
    private struct Version: Decodable {
        var version: Int
    }

    static func encode(_ value: some Encodable) throws(LensError) -> Data {
        let encoder = JSONEncoder()
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
}
