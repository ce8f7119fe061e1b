import Glibc
import LensCheckpoint
import LensCore
import LensTestSupport
import Testing

/// Spoilt files and what the safetensors library says of them (`Tests/Fixtures/safetensors_verdicts.py`).
struct SafetensorsVerdictTests {
    /// Where this reader is stricter, and why. It is never laxer.
    private static let stricter = [
        // JSON leaves open which of two members counts; the library takes the last.
        "is in the header twice", "has 'format' twice",
        // The library skips what it does not know.
        "must have dtype, shape and data_offsets in the header; found",
        // The library's decoder takes ["F32", [2], [0, 8]] for an object, and null for no metadata.
        "must be an object in the header; found an array", "__metadata__ must be an object; found null",
        // Types of 4 and 6 bits, complex numbers, exponents: none of them are a model's weights here.
        "has an unknown dtype",
        // The format says that a header begins with {; the library skips white space before it.
        "the header must begin with '{'",
        // Bounds of ours: axes, and sizes of 63 bits even where another size is 0.
        "may have at most 8 numbers in shape", "shape must be an integer of 64 bits", "that overflows",
    ]

    @Test func refusesWhatTheLibraryRefuses() throws {
        let path = getenv("LENS_SAFETENSORS_VERDICTS").map { String(cString: $0) }
        let records = try path.map(Fixtures.bytes(at:)) ?? Fixtures.bytes("safetensors/verdicts.bin")
        let folder = try TemporaryFolder()
        var (count, taken, strict, position) = (0, 0, 0, 0)
        while position < records.count {
            let length = records[position + 1..<position + 5].reversed().reduce(0) { $0 << 8 | Int($1) }
            let data = records[position + 5..<position + 5 + length]
            let isTaken = records[position] == 1
            position += 5 + length
            count += 1
            let file = try folder.write("x.safetensors", data)
            let shown = String(decoding: data.dropFirst(8).prefix(400), as: UTF8.self)
            do throws(LensError) {
                _ = try SafetensorsFile(opening: CheckpointFile(path: file))
                taken += 1
                if !isTaken { Issue.record("the library refuses: \(shown)") }
            } catch {
                #expect(error.code == .invalidArgument)
                guard isTaken else { continue }
                strict += 1
                let isExplained = Self.stricter.contains { error.message.contains($0) }
                if !isExplained { Issue.record("the library takes it: \(error.message): \(shown)") }
            }
        }
        // Neither all good nor all bad, or the test shows nothing.
        #expect(taken > count / 10)
        #expect(count - taken - strict > count / 10)
        print("\(count) files: \(taken) taken by both, \(strict) by the library alone")
    }
}
