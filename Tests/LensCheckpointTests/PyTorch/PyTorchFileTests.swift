import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Testing

/// Files that torch wrote, against the same tensors in a file of the safetensors library.
struct PyTorchFileTests {
    static let files = [
        "types", "untyped", "views", "module", "old-types", "old-views", "old-module", "protocol-3", "protocol-4",
        "protocol-5", "pytorch_model-00001-of-00002", "pytorch_model-00002-of-00002",
    ]

    @Test(arguments: files)
    func everyTensorIsTheSame(name: String) throws {
        let expected = try SafetensorsFile(opening: CheckpointFile(path: Fixtures.path("pytorch/expected.safetensors")))
        let file = try PyTorchFile(opening: CheckpointFile(path: Fixtures.path("pytorch/\(name).bin")))
        #expect(file.name == "\(name).bin")
        let prefix = "\(name)/"
        let names = expected.names.filter { $0.hasPrefix(prefix) }
        #expect(Set(file.tensors.map { prefix + $0.name }) == Set(names))
        for tensor in file.tensors {
            let info = try #require(expected.info(of: prefix + tensor.name))
            #expect(tensor.elementType == info.elementType, "\(tensor.name)")
            #expect(tensor.shape == info.shape, "\(tensor.name)")
            var bytes: [UInt8] = []
            try file.forEachPiece(of: tensor.name) { bytes += $0 }
            #expect(try bytes == expected.bytes(of: prefix + tensor.name), "\(tensor.name)")
        }
    }

    @Test func orderIsTheStateDicts() throws {
        let file = try PyTorchFile(opening: CheckpointFile(path: Fixtures.path("pytorch/module.bin")))
        #expect(file.tensors.map(\.name) == ["0.weight", "0.bias", "1.weight", "1.bias"])
    }

    @Test func namesOfOneStorageAreKnown() throws {
        let path = Fixtures.path("pytorch/pytorch_model-00001-of-00002.bin")
        let file = try PyTorchFile(opening: CheckpointFile(path: path))
        #expect(file.areSame("lm_head.weight", "transformer.wte.weight"))
        let views = try PyTorchFile(opening: CheckpointFile(path: Fixtures.path("pytorch/views.bin")))
        #expect(!views.areSame("whole", "transposed"))
        #expect(!views.areSame("whole", "absent"))
    }

    /// Pieces are of one size whatever the strides: a transposed tensor over several of them.
    @Test func stridesOverSeveralPieces() throws {
        let (rows, columns) = (301, 701)
        let values = (0..<rows * columns).map { Float($0) }
        let folder = try TemporaryFolder()
        let path = try folder.write(
            "x.bin",
            PyTorchBytes.zip(
                PyTorchBytes.stateDict([
                    .init(name: "t", count: rows * columns, shape: [columns, rows], strides: [1, columns])
                ]),
                storages: [values.flatMap { SafetensorsFileTests.bytes($0.bitPattern) }]))
        let file = try PyTorchFile(opening: CheckpointFile(path: path))
        var found: [Float] = []
        try file.forEachPiece(of: "t") { piece in found += piece.bindMemory(to: Float.self) }
        #expect(found == (0..<columns).flatMap { column in (0..<rows).map { values[$0 * columns + column] } })
    }

    @Test func readingIsCountedAndStops() throws {
        let control = CallControl()
        let path = Fixtures.path("pytorch/views.bin")
        let file = try PyTorchFile(opening: CheckpointFile(path: path), watch: ReadingWatch(control: control))
        try file.forEachPiece(of: "transposed") { _ in }
        control.cancel()
        for name in ["whole", "transposed"] {
            #expect(throws: LensError.cancelled) { try file.forEachPiece(of: name) { _ in } }
        }
        #expect(throws: LensError.notFound("views.bin has no tensor 'absent'")) {
            try file.forEachPiece(of: "absent") { _ in }
        }
    }
}
