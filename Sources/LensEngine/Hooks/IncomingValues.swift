import LensCore
import LensModel
import LensTensor

/// The values of a replacement as they come in, piece by piece, for all sequences of a pass.
struct IncomingValues {
    private let point: HookPoint
    private var values: Tensor
    /// Where each sequence begins, in elements.
    private var offsets: [Int] = []
    private var filledBytes = 0

    /// - Parameter shapes: of the activation that is to be replaced, one per sequence.
    init(for point: HookPoint, shapes: [[Int]]) {
        self.point = point
        var count = 0
        for shape in shapes {
            offsets.append(count)
            count += shape.reduce(1, *)
        }
        values = Tensor(uninitialized: [count])
    }

    var missingBytes: Int { values.byteCount - filledBytes }

    /// Takes in a piece, wherever it was cut.
    ///
    /// - Throws: `INVALID_ARGUMENT` for more bytes than the activation has.
    mutating func append(_ bytes: [UInt8]) throws(LensError) {
        guard bytes.count <= missingBytes, !bytes.isEmpty else {
            throw .invalidArgument(
                "the replacement for \(point) has \(values.byteCount) bytes, of which \(missingBytes) are still to come; "
                    + "received \(bytes.count) at once")
        }
        let start = filledBytes
        values.withMutablePointer { room in
            // Little-endian, as every machine that this runs on.
            bytes.withUnsafeBytes { piece in
                UnsafeMutableRawBufferPointer(start: UnsafeMutableRawPointer(room) + start, count: piece.count)
                    .copyMemory(from: piece)
            }
        }
        filledBytes += bytes.count
    }

    /// Puts the values in the place of a pass's activation, sequence by sequence.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a value that is no finite number, naming its place; −∞ may stand where a score
    ///   is masked.
    func replaceActivation(of state: inout some StandingPass, control: CallControl) throws(LensError) {
        for (sequence, offset) in offsets.enumerated() {
            try control.check()
            try state.edit(sequence) { (room, shape) throws(LensError) in
                try values.withPointer { (values) throws(LensError) in
                    let incoming = UnsafeBufferPointer(start: values + offset, count: room.count)
                    guard point.kind.elementType == .float32 else {
                        for (index, value) in incoming.enumerated() {
                            room[index] = Float(Int32(bitPattern: value.bitPattern))
                        }
                        return
                    }
                    try check(incoming, shape: shape, sequence: sequence)
                    _ = room.update(from: incoming)
                }
            }
        }
    }

    /// The values of each sequence, without batch.
    ///
    /// - Parameter shapes: those that the values were announced with.
    /// - Throws: `INVALID_ARGUMENT` as ``replaceActivation(of:control:)``.
    func tensors(_ shapes: [[Int]], control: CallControl) throws(LensError) -> [Tensor] {
        var tensors: [Tensor] = []
        for (sequence, (offset, shape)) in zip(offsets, shapes).enumerated() {
            try control.check()
            let tensor = values.rows(offset..<offset + shape.reduce(1, *)).reshaped(shape)
            try tensor.withPointer { (pointer) throws(LensError) in
                try check(UnsafeBufferPointer(start: pointer, count: tensor.count), shape: shape, sequence: sequence)
            }
            tensors.append(tensor)
        }
        return tensors
    }

    private func check(_ values: UnsafeBufferPointer<Float>, shape: [Int], sequence: Int) throws(LensError) {
        let allowsMinusInfinity = point.kind == .attnScores
        for (index, value) in values.enumerated() where !value.isFinite {
            if allowsMinusInfinity, value == -.infinity { continue }
            var rest = index
            var place: [Int] = []
            for size in shape.reversed() {
                place.insert(rest % size, at: 0)
                rest /= size
            }
            throw .invalidArgument(
                "a replacement for \(point) holds finite numbers\(allowsMinusInfinity ? " or -inf" : ""); received "
                    + "\(value) at \(place) of sequence \(sequence)")
        }
    }
}
