import Glibc
import LensCheckpoint
import LensCore
import LensModel

/// The files under `Tests/Fixtures`, which its README describes.
package enum Fixtures {
    /// The checkpoints' folders.
    package static let checkpoints = [
        "gpt-neo-1l-16h", "gpt-neo-3l-local", "gpt-neo-2l-f16", "gpt-neo-2l-bf16", "gpt-neo-1l-untied",
    ]

    /// The folders of the other families' checkpoints.
    package static let families = [
        "gpt2-2l", "gpt2-3l-scaled", "neox-2l", "neox-2l-sequential", "gptj-2l", "gptj-2l-narrow", "opt-2l", "opt-3l",
        "bloom-2l", "bloom-2l-5h", "phi-2l", "phi-3l", "llama-2l", "llama-3l-grouped", "llama-2l-biases",
        "llama-2l-yarn", "mistral-2l", "mistral-2l-head-dim", "qwen2-2l", "qwen2-2l-window", "qwen3-2l",
        "qwen3-2l-biases", "gemma-2l", "gemma-2l-3h", "gemma2-2l", "gemma2-2l-uncapped", "stablelm-2l",
        "stablelm-2l-parallel", "olmo-2l", "olmo-2l-clip", "olmo2-2l", "olmo2-2l-grouped", "toy-attn-only-2l",
        "toy-attn-only-no-norm-1l", "toy-solu-2l", "toy-solu-1l-final-rms", "toy-shortformer-2l", "toy-ln-pre-2l",
        "toy-rms-gated-2l",
    ].map { "families/\($0)" }

    /// The path of a file or folder below `Tests/Fixtures`, found upward from this file.
    package static func path(_ relative: String) -> String {
        var parts = #filePath.split(separator: "/").dropLast()
        while !parts.isEmpty {
            let candidate = "/" + parts.joined(separator: "/") + "/Fixtures"
            if access(candidate + "/manifest.json", R_OK) == 0 { return candidate + "/" + relative }
            parts.removeLast()
        }
        return "Tests/Fixtures/" + relative
    }

    package static func folder(_ checkpoint: String) throws -> ModelFolder {
        try ModelFolder(opening: path(checkpoint))
    }

    package static func bytes(_ relative: String) throws -> [UInt8] {
        try bytes(at: path(relative))
    }

    package static func bytes(at path: String) throws -> [UInt8] {
        guard let file = fopen(path, "rb") else { throw LensError.notFound(path) }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var piece = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
        return bytes
    }

    package static func json(_ relative: String) throws -> JSONValue {
        try JSONValue(parsing: bytes(relative), file: relative)
    }

    /// What the reference implementations say about a checkpoint.
    package static func reference(_ checkpoint: String) throws -> ReferenceTensors {
        try ReferenceTensors(path: path(checkpoint + "/reference.safetensors"))
    }
}

/// The tensors of a `reference.safetensors`, where infinities and NaNs are at home.
package struct ReferenceTensors {
    private let file: SafetensorsFile

    package init(path: String) throws {
        file = try SafetensorsFile(opening: CheckpointFile(path: path))
    }

    package var names: [String] { file.names }

    package func contains(_ name: String) -> Bool { file.tensors[name] != nil }

    package func shape(_ name: String) throws -> [Int] {
        guard let info = file.tensors[name] else { throw LensError.notFound("no tensor \(name)") }
        return info.shape
    }

    package func floats(_ name: String) throws -> [Float] {
        try elements(name, .float32) { (bits: UInt32) in Float(bitPattern: bits) }
    }

    package func doubles(_ name: String) throws -> [Double] {
        try elements(name, .float64) { (bits: UInt64) in Double(bitPattern: bits) }
    }

    package func tokens(_ name: String) throws -> [Int32] {
        try elements(name, .int64) { (bits: Int64) in Int32(truncatingIfNeeded: bits) }
    }

    private func elements<Bits: FixedWidthInteger, Element>(
        _ name: String, _ type: StoredType, _ convert: (Bits) -> Element
    ) throws -> [Element] {
        guard let info = file.tensors[name], info.elementType == type else {
            throw LensError.notFound("no tensor \(name) of type \(type.rawValue)")
        }
        return try file.bytes(of: name).withUnsafeBytes { bytes in
            (0..<bytes.count / MemoryLayout<Bits>.size).map { index in
                convert(
                    Bits(
                        littleEndian: bytes.loadUnaligned(
                            fromByteOffset: index * MemoryLayout<Bits>.size, as: Bits.self)))
            }
        }
    }
}

/// A folder of its own for a test, gone when the test is.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        var template = Array("/tmp/lens-model-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw LensError(.internal, "cannot make a temporary folder") }
        path = String(cString: made)
    }

    deinit {
        for name in (try? names()) ?? [] { unlink(path + "/" + name) }
        rmdir(path)
    }

    /// What is in it, sorted.
    package func names() throws -> [String] { try Self.names(in: path) }

    /// What is in a folder, sorted.
    package static func names(in path: String) throws -> [String] {
        guard let folder = opendir(path) else { throw LensError.notFound(path) }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Makes a symbolic link.
    package func link(_ name: String, to target: String) throws {
        guard symlink(target, path + "/" + name) == 0 else { throw LensError(.internal, "cannot link \(name)") }
    }

    /// Writes a file, mode 0644 whatever the umask, and returns its path.
    @discardableResult
    package func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        let target = path + "/" + name
        guard let file = fopen(target, "wb") else { throw LensError(.internal, "cannot write \(target)") }
        defer { fclose(file) }
        let bytes = Array(bytes)
        guard fwrite(bytes, 1, bytes.count, file) == bytes.count, chmod(target, 0o644) == 0 else {
            throw LensError(.internal, "cannot write \(target)")
        }
        return target
    }
}

/// The largest violation of `|found − expected| ≤ absolute + relative · |expected|`; negative where all hold.
///
/// Infinities must agree exactly, and a NaN agrees with a NaN only.
package func excess(
    _ found: [Float], over expected: [Float], absolute: Float = 1e-4, relative: Float = 1e-4
) -> Float {
    guard found.count == expected.count else { return .infinity }
    return zip(found, expected).reduce(-Float.infinity) { worst, pair in
        let (found, expected) = pair
        if found.isNaN && expected.isNaN || found == expected { return worst }
        let excess = abs(found - expected) - absolute - relative * abs(expected)
        return excess.isNaN ? .infinity : max(worst, excess)
    }
}
