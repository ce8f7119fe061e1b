import FoundationEssentials
import LensCore

/// Many prompts from a file: one per line, or one `{"text": …}` per line where the file's name ends in `.jsonl`.
package struct Corpus {
    package let prompts: [String]

    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read or holds no prompt.
    package init(at path: String) throws(LensError) {
        try self.init(
            text: TextFile.text(at: path, limit: TextFile.largestCorpus), isJSONLines: path.hasSuffix(".jsonl"),
            name: path)
    }

    /// Reads the lines of a file; empty ones are skipped.
    ///
    /// - Throws: `INVALID_ARGUMENT` that names the line that is no such object, or where no line is left.
    package init(text: String, isJSONLines: Bool, name: String) throws(LensError) {
        var prompts: [String] = []
        // On the bytes, so that "\r\n", one character to Swift, ends a line too.
        for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
            guard isJSONLines else {
                prompts.append(String(decoding: line, as: UTF8.self))
                continue
            }
            guard let record = try? JSONDecoder().decode(Record.self, from: Data(line)) else {
                throw .invalidArgument(
                    "line \(number + 1) of '\(name)' must be a JSON object with a text: {\"text\": \"…\"}")
            }
            if !record.text.isEmpty { prompts.append(record.text) }
        }
        guard !prompts.isEmpty else { throw .invalidArgument("'\(name)' holds no prompt; expected one per line") }
        self.prompts = prompts
    }

    private struct Record: Decodable {
        let text: String
    }

    /// The prompts in groups that each fit a request and are answered in reasonable time.
    package func batches(largestCount: Int = 32, largestBytes: Int = 16 << 10) -> [[String]] {
        var batches: [[String]] = []
        var bytes = 0
        for prompt in prompts {
            let size = prompt.utf8.count
            if batches.isEmpty || (batches.last?.count ?? 0) >= largestCount || bytes + size > largestBytes {
                batches.append([])
                bytes = 0
            }
            batches[batches.count - 1].append(prompt)
            bytes += size
        }
        return batches
    }
}
