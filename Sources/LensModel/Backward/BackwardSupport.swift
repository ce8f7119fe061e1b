import LensCore

/// What the backward pass can compute.
enum BackwardSupport {
    /// - Throws: `UNIMPLEMENTED` naming what a model does and the backward pass does not.
    static func check(_ c: ModelConfiguration) throws(LensError) {
        guard c.qkNorm != nil, c.positionalEmbedding.rotary == nil || c.clipQKV != nil else { return }
        throw .unimplemented(
            "gradients are not supported for normed queries and keys that are not turned, or are clipped "
                + "(\(c.originalArchitecture))")
    }
}
