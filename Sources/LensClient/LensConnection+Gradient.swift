public import LensCore

/// What a gradient's call brought back.
public struct GradientReply: Sendable {
    /// The sum of the terms.
    public let value: Double
    /// By the hook point's full name: of each prompt its shape and its values, row-major float32, the shape of the
    /// activation itself.
    public let gradients: [String: [(shape: [Int], values: [Float])]]
}

extension LensConnection {
    /// The gradients of a scalar with respect to whole activations.
    ///
    /// - Throws: `INVALID_ARGUMENT` for requests in which the client has a part: cotangents, replacements, stops.
    public func gradient(
        _ request: GradientRequest, options: CallOptions = CallOptions()
    ) async throws(LensError) -> GradientReply {
        guard request.cotangents.isEmpty, request.replacements.isEmpty, request.stops.isEmpty else {
            throw .invalidArgument("a gradient with cotangents, replacements or stops is an exchange")
        }
        let exchange = try await exchange(.gradient, .start(request), options: options)
        exchange.end()
        var value = Double.nan
        var found: [(activation: HookedActivation, bytes: [UInt8])] = []
        while let event = try await exchange.next() {
            switch event {
            case .start(_, _, _, let sum): value = sum
            case .hook(.kept(let activation)): found.append((activation, []))
            case .hook(.values(let bytes)):
                guard let last = found.indices.last else {
                    throw LensError(.internal, "the daemon sent values before it said whose")
                }
                found[last].bytes += bytes
            case .hook(.parked(let activation)):
                throw LensError(.internal, "the daemon waits at \(activation.hook), which was not asked for")
            }
        }
        var gradients: [String: [(shape: [Int], values: [Float])]] = [:]
        for (activation, bytes) in found { gradients[activation.hook] = try activation.split(bytes) }
        return GradientReply(value: value, gradients: gradients)
    }
}

extension HookedActivation {
    /// The values of each sequence.
    ///
    /// - Throws: `INTERNAL` where there are not as many as the shapes say.
    fileprivate func split(_ bytes: [UInt8]) throws(LensError) -> [(shape: [Int], values: [Float])] {
        var rest = bytes[...]
        var parts: [(shape: [Int], values: [Float])] = []
        for shape in shapes {
            var count = 4
            for size in shape {
                let (product, isTooBig) = count.multipliedReportingOverflow(by: size)
                guard !isTooBig else { throw LensError(.internal, "the daemon sent an impossible shape \(shape)") }
                count = product
            }
            guard elementType == .float32, rest.count >= count else {
                throw LensError(.internal, "\(hook) \(shape) has \(count) bytes; the daemon sent \(rest.count)")
            }
            let values = rest.prefix(count).withUnsafeBytes { raw in
                (0..<raw.count / 4).map {
                    Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
                }
            }
            parts.append((shape, values))
            rest = rest.dropFirst(count)
        }
        guard rest.isEmpty else {
            throw LensError(.internal, "the daemon sent \(rest.count) bytes too many of \(hook)")
        }
        return parts
    }
}
