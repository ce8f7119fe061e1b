import LensCore

/// A small file, read whole: a JSON text, the lines of `merges.txt`, what another program has said.
public struct NamedBytes: Sendable {
    /// The last part of its path, as errors name it.
    public let name: String
    public let bytes: [UInt8]

    public init(name: String, bytes: [UInt8]) {
        self.name = name
        self.bytes = bytes
    }

    /// Its outermost object.
    ///
    /// - Throws: `INVALID_ARGUMENT` for what is not JSON or no object.
    package func object() throws(LensError) -> JSONObject {
        try JSONValue(parsing: bytes, file: name).object()
    }
}
