import Glibc
import LensCheckpoint
import LensCore

/// What `$LENS_FUZZ` names is fed to the readers of checkpoint files; anything but an answer or a `LensError` is a find.
enum Target: String {
    case safetensors
    /// A whole file of torch.save, in either format.
    case pytorch
    /// What stands behind the first three pickles of the format before zip: no offsets to get right.
    case pickle
    /// `model.safetensors.index.json`, beside a shard.
    case index

    static let chosen: Target = {
        guard let name = getenv("LENS_FUZZ"), let target = Target(rawValue: String(cString: name)) else {
            fatalError("LENS_FUZZ is one of safetensors, pytorch, pickle, index")
        }
        return target
    }()
}

/// A file in memory that the readers open by a path.
struct MemoryFile {
    let descriptor: Int32
    let path: String

    init(path: String) {
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        self.path = path
    }

    func write(_ prefix: [UInt8], _ bytes: UnsafeRawBufferPointer) {
        ftruncate(descriptor, 0)
        pwrite(descriptor, prefix, prefix.count, 0)
        pwrite(descriptor, bytes.baseAddress, bytes.count, off_t(prefix.count))
    }
}

/// A folder in memory with a small good model, of which one file is written over.
let folder: String = {
    guard let named = getenv("LENS_FUZZ_FOLDER") else { fatalError("LENS_FUZZ_FOLDER is a folder of the run's own") }
    let path = String(cString: named)
    for (name, text) in [("config.json", "{}"), ("a.safetensors", "")] {
        let file = MemoryFile(path: path + "/" + name)
        let header = Array(#"{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#.utf8)
        let shard = [UInt8(header.count), 0, 0, 0, 0, 0, 0, 0] + header + [0, 0, 0, 0]
        (text.isEmpty ? shard : Array(text.utf8)).withUnsafeBytes { file.write([], $0) }
        close(file.descriptor)
    }
    return path
}()

let file = MemoryFile(path: folder + (Target.chosen == .index ? "/model.safetensors.index.json" : "/x"))

/// The first three pickles of the format before zip.
let legacyStart: [UInt8] =
    [0x80, 2, 0x8A, 10, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E]
    + [0x80, 2, 0x4D, 0xE9, 3, 0x2E]
    + [0x80, 2, 0x7D, 0x58, 13, 0, 0, 0] + Array("little_endian".utf8) + [0x88, 0x73, 0x2E]

/// The control: a trap that the fuzzer must find.
let isPlanted = getenv("LENS_FUZZ_PLANTED") != nil

func read(_ source: some TensorSource) throws {
    precondition(!isPlanted || source.names.count < 2, "planted")
    for name in source.names {
        guard let info = source.info(of: name) else { fatalError("\(name) is a tensor without a description") }
        let count = info.byteRange.count / info.elementType.size
        let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: count)
        defer { values.deallocate() }
        try? source.read(name, expectedShape: info.shape, into: values)
    }
    _ = try source.digest()
}

func readPyTorch() throws {
    let source = try PyTorchFile(opening: CheckpointFile(path: file.path, trust: .users))
    for tensor in source.tensors {
        var count = 0
        try source.forEachPiece(of: tensor.name) { count += $0.count }
        guard count == tensor.byteCount else { fatalError("\(tensor) gave \(count) bytes") }
    }
}

@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOneInput(_ start: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    file.write(Target.chosen == .pickle ? legacyStart : [], bytes)
    do {
        switch Target.chosen {
        case .safetensors: try read(SafetensorsFile(opening: CheckpointFile(path: file.path)))
        case .pytorch, .pickle: try readPyTorch()
        case .index: _ = try read(any: ModelFolder(opening: folder).tensors())
        }
    } catch is LensError {
    } catch {
        fatalError("an error of another kind: \(error)")
    }
    return 0
}

func read(any source: any TensorSource) throws { try read(source) }
