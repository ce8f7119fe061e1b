import LensCore

/// A checkpoint's tensors, wherever they lie: in one file or in several.
///
/// Tensors may be read in any order and from several threads.
public protocol TensorSource: Sendable {
    /// The file that errors about the whole name, such as `model.safetensors`.
    var name: String { get }
    /// The tensors' names: file by file, in the order of their bytes.
    var names: [String] { get }
    /// What is odd about the files and no reason to refuse them, for whoever loads them to say.
    var notices: [String] { get }

    /// A tensor's type and shape; `nil` where there is none of that name.
    func info(of tensor: String) -> TensorInfo?

    /// Reads a tensor of type F64, F32, F16 or BF16, row-major, as float32.
    ///
    /// - Parameters:
    ///   - expectedShape: the shape that the tensor must have.
    ///   - destination: as many elements as the shape has.
    /// - Throws: `NOT_FOUND` without such a tensor, `INVALID_ARGUMENT` for another shape or type and for a NaN or an
    ///   infinity, `DATA_LOSS` when the file cannot be read or changes meanwhile; `CANCELLED` or `DEADLINE_EXCEEDED`
    ///   when the reading is no longer wanted.
    func read(
        _ tensor: String, expectedShape: [Int], into destination: UnsafeMutableBufferPointer<Float>
    ) throws(LensError)

    /// SHA-256 of a tensor's bytes as they are on disk; read for it where they were not read yet.
    ///
    /// - Throws: `NOT_FOUND` without such a tensor, `DATA_LOSS` when a file cannot be read; `CANCELLED` or
    ///   `DEADLINE_EXCEEDED`.
    func digest(of tensor: String) throws(LensError) -> [UInt8]

    /// SHA-256 over the files' contents, of the very bytes that were read; what was not read yet is read for it.
    ///
    /// - Throws: `DATA_LOSS` when a file cannot be read; `CANCELLED` or `DEADLINE_EXCEEDED`.
    func digest() throws(LensError) -> [UInt8]
}

extension TensorSource {
    public var notices: [String] { [] }
}
