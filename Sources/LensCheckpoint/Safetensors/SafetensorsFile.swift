import Crypto
import LensCore
import Synchronization

/// The tensors of a safetensors file, read into memory of the caller as float32.
///
/// Each tensor is hashed while it is read, so that `digest()` speaks of the very bytes that were converted.
public final class SafetensorsFile: TensorSource {
    /// Every tensor by its name.
    public let tensors: [String: TensorInfo]
    /// The tensors' names in the order of their bytes.
    public let names: [String]
    /// The last part of the file's path.
    public let name: String
    /// The bytes of all tensors.
    let byteCount: Int

    private let file: CheckpointFile
    private let watch: ReadingWatch
    private let headerDigest: SHA256.Digest
    private let tensorDigests = Mutex<[String: SHA256.Digest]>([:])

    /// Bytes read, hashed and converted at once: they stay in the core's cache for all three.
    private static let pieceSize = 256 << 10

    /// Reads and checks the header.
    ///
    /// - Throws: `INVALID_ARGUMENT` naming what in the header is wrong; `DATA_LOSS` when the file cannot be read.
    public init(opening file: CheckpointFile, watch: ReadingWatch = ReadingWatch()) throws(LensError) {
        let name = file.name
        guard file.size >= 8 else {
            throw .invalidArgument("\(name) must begin with 8 bytes of header length; it has \(file.size) bytes")
        }
        let prefix = try file.bytes(in: 0..<8)
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length > 0 else { throw .invalidArgument("\(name) has a header of 0 bytes") }
        guard length <= UInt64(SafetensorsHeader.lengthLimit) else {
            throw .invalidArgument(
                "\(name) may have a header of at most \(SafetensorsHeader.lengthLimit) bytes; it says \(length)")
        }
        let dataStart = 8 + Int(length)
        guard dataStart <= file.size else {
            throw .invalidArgument("\(name) says that its header has \(length) bytes, but the file has \(file.size)")
        }
        let text = try file.bytes(in: 8..<dataStart)
        let header = try SafetensorsHeader(parsing: text, file: name, data: dataStart..<file.size)
        self.file = file
        self.watch = watch
        self.name = name
        names = header.tensors.map(\.name)
        tensors = Dictionary(header.tensors.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
        var hash = SHA256()
        hash.update(data: prefix)
        hash.update(data: text)
        headerDigest = hash.finalize()
        byteCount = file.size - dataStart
        watch.expect(byteCount)
    }

    public func info(of tensor: String) -> TensorInfo? { tensors[tensor] }

    public func read(
        _ tensor: String, expectedShape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(LensError) {
        let info = try self.existing(tensor)
        guard info.shape == expectedShape else {
            throw error(tensor, "expected shape \(expectedShape); found \(info.shape)")
        }
        let count = info.byteRange.count / info.elementType.size
        guard destination.count == count else {
            throw LensError(.internal, "\(count) elements of '\(tensor)' do not fill a buffer of \(destination.count)")
        }
        guard [.float64, .float32, .float16, .bfloat16].contains(info.elementType) else {
            throw error(tensor, "expected type F64, F32, F16 or BF16; found \(info.elementType.rawValue)")
        }
        let pages = PageFiller(UnsafeMutableRawBufferPointer(destination))
        defer { pages.stop() }
        try forEachPiece(of: info) { bytes, offset throws(LensError) in
            let first = offset / info.elementType.size
            let piece = UnsafeMutableBufferPointer(
                rebasing: destination[first..<first + bytes.count / info.elementType.size])
            let isFinite =
                switch info.elementType {
                case .float64: FloatConversion.fromFloat64(bytes.bindMemory(to: UInt64.self), to: piece)
                case .float16: FloatConversion.fromFloat16(bytes.bindMemory(to: UInt16.self), to: piece)
                case .bfloat16: FloatConversion.fromBFloat16(bytes.bindMemory(to: UInt16.self), to: piece)
                default: FloatConversion.fromFloat32(bytes.bindMemory(to: UInt32.self), to: piece)
                }
            if !isFinite {
                let index = piece.firstIndex { !$0.isFinite } ?? 0
                throw error(tensor, "every weight must be finite; element \(first + index) is \(piece[index])")
            }
        }
    }

    /// A tensor's bytes as the file has them, little-endian; for what are no weights.
    ///
    /// - Throws: `NOT_FOUND` without such a tensor, `DATA_LOSS` when the file cannot be read.
    public func bytes(of tensor: String) throws(LensError) -> [UInt8] {
        try file.bytes(in: existing(tensor).byteRange)
    }

    /// SHA-256 over the header's digest and every tensor's digest in the order of their bytes: the whole file counts.
    public func digest() throws(LensError) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: Array(headerDigest))
        for name in names { hash.update(data: try digest(of: name)) }
        return Array(hash.finalize())
    }

    public func digest(of tensor: String) throws(LensError) -> [UInt8] {
        let info = try existing(tensor)
        if let digest = tensorDigests.withLock({ $0[tensor] }) { return Array(digest) }
        try forEachPiece(of: info) { _, _ in }
        return tensorDigests.withLock { $0[tensor] }.map { Array($0) } ?? []
    }

    private func existing(_ tensor: String) throws(LensError) -> TensorInfo {
        guard let info = tensors[tensor] else { throw .notFound("\(name) has no tensor '\(tensor)'") }
        return info
    }

    /// Reads a tensor piece by piece and keeps its digest.
    ///
    /// - Parameter body: gets the piece's bytes, aligned for any element, and where in the tensor they begin.
    private func forEachPiece(
        of info: TensorInfo, _ body: (UnsafeRawBufferPointer, _ offset: Int) throws(LensError) -> Void
    ) throws(LensError) {
        let size = min(Self.pieceSize, info.byteRange.count)
        let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 64)
        defer { scratch.deallocate() }
        var hash = SHA256()
        var offset = 0
        while offset < info.byteRange.count {
            let piece = UnsafeMutableRawBufferPointer(rebasing: scratch[..<min(size, info.byteRange.count - offset)])
            try file.read(into: piece, at: info.byteRange.lowerBound + offset)
            hash.update(bufferPointer: UnsafeRawBufferPointer(piece))
            try watch.advance(by: piece.count)
            try body(UnsafeRawBufferPointer(piece), offset)
            offset += piece.count
        }
        let digest = hash.finalize()
        let earlier = tensorDigests.withLock { $0.updateValue(digest, forKey: info.name) }
        guard earlier == nil || earlier == digest else {
            throw .dataLoss("\(name) was changed while it was read: tensor '\(info.name)' is not what it was")
        }
    }

    private func error(_ tensor: String, _ message: String) -> LensError {
        .invalidArgument("\(name): tensor '\(tensor)': \(message)")
    }
}
