import Foundation
import LensCore
import LensMetrics
import Testing

@Suite struct MetricsFileTests {
    private func folder() throws -> URL {
        let folder = FileManager.default.temporaryDirectory.appending(path: "lens-metrics-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        return folder
    }

    @Test func replacesAWholeFileForEverybody() throws {
        let folder = try folder()
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appending(path: "lensd.prom")
        // A link that somebody has put there is replaced, not followed.
        let other = folder.appending(path: "other")
        try Data("other".utf8).write(to: other)
        try FileManager.default.createSymbolicLink(at: file, withDestinationURL: other)
        for text in ["a 1\n", "a 2\n"] {
            try MetricsFile.replace(file.path, with: text)
            #expect(try String(contentsOf: file, encoding: .utf8) == text)
        }
        #expect(try String(contentsOf: other, encoding: .utf8) == "other")
        let mode = try FileManager.default.attributesOfItem(atPath: file.path)[.posixPermissions] as? Int
        #expect(mode == 0o644)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() == ["lensd.prom", "other"])
    }

    @Test func saysWhereItCannotWrite() throws {
        #expect {
            try MetricsFile.replace("/nowhere/lensd.prom", with: "")
        } throws: { error in
            (error as? LensError)?.message.contains("/nowhere/lensd.prom: No such file") == true
        }
    }
}
