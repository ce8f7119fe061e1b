import Crypto
import LensCore

/// What a model is, whatever it is called: SHA-256 of its weights, its configuration and its tokenizer if it has one.
public struct ModelFingerprint: Sendable, Hashable, CustomStringConvertible {
    /// 64 hexadecimal digits.
    public let description: String

    /// Hashes a model's files. The weights that were read already are not read again.
    ///
    /// - Throws: `DATA_LOSS` when the weights cannot be read.
    public init(weights: some TensorSource, configuration: NamedBytes, tokenizer: NamedBytes?) throws(LensError) {
        var hash = SHA256()
        // Each part is a digest of fixed length, so that no byte can wander from one part into the next.
        hash.update(data: Array("lensd model fingerprint 1\n".utf8))
        hash.update(data: try weights.digest())
        hash.update(data: Array(SHA256.hash(data: configuration.bytes)))
        if let tokenizer { hash.update(data: Array(SHA256.hash(data: tokenizer.bytes))) }
        description = hash.finalize().map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }.joined()
    }
}
