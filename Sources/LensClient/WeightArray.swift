public import LensCore

/// An array of weights, or of what was made of them, as it came.
public struct WeightArray: Sendable {
    public let header: WeightHeader
    /// Little-endian float32, row-major.
    public let bytes: [UInt8]

    /// Takes an answer's events.
    ///
    /// - Parameter onProgress: learns what is done of what there is to do.
    /// - Throws: what ended the call; `INTERNAL` where it is no array.
    init(
        _ events: EventStream<WeightEvent>, onProgress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
    ) async throws(LensError) {
        var header: WeightHeader?
        var bytes: [UInt8] = []
        for try await event in events {
            switch event {
            case .progress(let done, let total): onProgress(done, total)
            case .header(let received): header = received
            case .values(let values): values.withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
        }
        guard let header else { throw LensError(.internal, "the daemon ended the answer without a header") }
        var expected = 4
        for size in header.shape {
            let (product, isTooBig) = expected.multipliedReportingOverflow(by: size)
            guard !isTooBig else { throw LensError(.internal, "the daemon sent an impossible shape \(header.shape)") }
            expected = product
        }
        guard bytes.count == expected else {
            throw LensError(
                .internal, "\(header.name) \(header.shape) has \(expected) bytes; the daemon sent \(bytes.count)")
        }
        self.header = header
        self.bytes = bytes
    }

    /// The values, row-major.
    public var floats: [Float] {
        bytes.withUnsafeBytes { raw in
            (0..<raw.count / 4).map { index in
                Float(bitPattern: UInt32(littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
            }
        }
    }
}
