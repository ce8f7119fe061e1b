import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Testing

struct SafetensorsWriterTests {
    @Test func whatIsWrittenIsRead() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/model.safetensors"
        let tensors = [
            StoredTensor(name: "flag", elementType: .bool, shape: [3]),
            StoredTensor(name: "a \"quoted\" \\ name\n\u{1}", elementType: .float32, shape: [2, 1]),
            StoredTensor(name: "half", elementType: .bfloat16, shape: [1]),
            StoredTensor(name: "wide", elementType: .int64, shape: []),
            StoredTensor(name: "empty", elementType: .float32, shape: [0, 7]),
            StoredTensor(name: "ü", elementType: .float32, shape: [1]),
        ]
        let writer = try SafetensorsWriter(path: path, tensors: tensors)
        #expect(writer.tensors.map(\.name) == ["wide", tensors[1].name, "empty", "ü", "half", "flag"])
        let data: [UInt8] = (0..<25).map { $0 }
        try data.prefix(11).withUnsafeBytes { try writer.write($0) }
        #expect(access(path, F_OK) != 0)
        try data.dropFirst(11).withUnsafeBytes { try writer.write($0) }
        try writer.finish()

        let bytes = try Fixtures.bytes(at: path)
        #expect(bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) } % 8 == 0)
        #expect(bytes.suffix(25) == data[...])
        let file = try SafetensorsFile(opening: CheckpointFile(path: path))
        #expect(file.names == writer.tensors.map(\.name))
        for tensor in tensors {
            #expect(file.info(of: tensor.name)?.shape == tensor.shape)
            #expect(file.info(of: tensor.name)?.elementType == tensor.elementType)
        }
        #expect(try file.bytes(of: "half") == [20, 21])
        #expect(try folder.names() == ["model.safetensors"])
    }

    @Test func whatIsNotFinishedLeavesNothing() throws {
        let folder = try TemporaryFolder()
        let path = try folder.write("model.safetensors", [1, 2, 3])
        let tensor = StoredTensor(name: "a", elementType: .float32, shape: [4])
        do {
            let writer = try SafetensorsWriter(path: path, tensors: [tensor])
            try [UInt8](repeating: 0, count: 12).withUnsafeBytes { try writer.write($0) }
            #expect(throws: LensError.self) { try writer.finish() }
            #expect(throws: LensError.self) {
                try [UInt8](repeating: 0, count: 5).withUnsafeBytes { try writer.write($0) }
            }
        }
        #expect(try Fixtures.bytes(at: path) == [1, 2, 3])
        #expect(try folder.names() == ["model.safetensors"])
    }

    @Test func impossibleTensors() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/x"
        let one = StoredTensor(name: "a", elementType: .float32, shape: [1])
        let huge = StoredTensor(name: "b", elementType: .float32, shape: [1 << 40, 1 << 40])
        #expect(throws: LensError.invalidArgument("two tensors would be named 'a'")) {
            try SafetensorsWriter(path: path, tensors: [one, one])
        }
        #expect(throws: LensError.self) { try SafetensorsWriter(path: path, tensors: [huge]) }
        let error = #expect(throws: LensError.self) { try SafetensorsWriter(path: "/nonexistent/x", tensors: [one]) }
        #expect(error?.code == .notFound)
        #expect(try folder.names() == [])
    }
}
