import Foundation
import LensCheckpoint
import LensCore
import Testing

@Suite struct ZipWriterTests {
    private func path() -> String { NSTemporaryDirectory() + "lensd-zip-\(UUID().uuidString).zip" }

    @Test func entriesAreReadBack() throws {
        let path = path()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let entries = [("manifest.json", Array("{}".utf8)), ("runs/ü.json", Array("123456789".utf8)), ("empty", [])]
        let writer = try ZipWriter(path: path)
        for (name, bytes) in entries { try writer.add(name, bytes) }
        #expect(!FileManager.default.fileExists(atPath: path))
        try writer.finish()
        let file = try CheckpointFile(path: path, trust: .users)
        let archive = try ZipArchive(reading: file)
        #expect(archive.names == entries.map(\.0))
        for (name, bytes) in entries { #expect(try file.bytes(in: #require(archive.entries[name])) == bytes) }
        // The checksum of "123456789" is everybody's example.
        let whole = try Data(contentsOf: URL(filePath: path))
        #expect(whole.range(of: Data([0x26, 0x39, 0xF4, 0xCB])) != nil)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
    }

    @Test func whatIsNotFinishedLeavesNothing() throws {
        let path = path()
        do {
            let writer = try ZipWriter(path: path)
            try writer.add("a", [1, 2, 3])
        }
        let folder = URL(filePath: path).deletingLastPathComponent().path
        let name = URL(filePath: path).lastPathComponent
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).allSatisfy { !$0.hasPrefix(name) })
    }
}
