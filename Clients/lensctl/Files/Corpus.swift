import FoundationEssentials
import LensCore

/// Many prompts from a file: one per line, or one `{"text": …}` or `{"tokens": […]}` per line of a `.jsonl`.
package struct Corpus {
    package let prompts: [Prompt]

    /// - Parameter prependBOS: of texts; nothing is put in front of tokens.
    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read or holds no prompt.
    package init(at path: String, prependBOS: Bool) throws(LensError) {
        try self.init(
            text: TextFile.text(at: path, limit: TextFile.largestCorpus), isJSONLines: path.hasSuffix(".jsonl"),
            prependBOS: prependBOS, name: path)
    }

    /// Reads the lines of a file; empty ones are skipped, and so are objects with an empty text.
    ///
    /// - Throws: `INVALID_ARGUMENT` that names the line that is no such object, or where no line is left.
    package init(text: String, isJSONLines: Bool, prependBOS: Bool = true, name: String) throws(LensError) {
        var prompts: [Prompt] = []
        // On the bytes, so that "\r\n", one character to Swift, ends a line too.
        for (number, line) in text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            .enumerated()
        {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { continue }
            guard isJSONLines else {
                prompts.append(.text(String(decoding: line, as: UTF8.self), prependBOS: prependBOS))
                continue
            }
            let record = try? JSONDecoder().decode(Record.self, from: Data(line))
            switch (record?.text, record?.tokens) {
            case (let text?, nil):
                if !text.isEmpty { prompts.append(.text(text, prependBOS: prependBOS)) }
            case (nil, let tokens?) where !tokens.isEmpty:
                prompts.append(.tokens(tokens))
            default:
                throw .invalidArgument(
                    "line \(number + 1) of '\(name)' must be a JSON object with a text or with tokens: "
                        + "{\"text\": \"…\"} or {\"tokens\": [5, 7]}")
            }
        }
        guard !prompts.isEmpty else { throw .invalidArgument("'\(name)' holds no prompt; expected one per line") }
        self.prompts = prompts
    }

    private struct Record: Decodable {
        let text: String?
        let tokens: [Int32]?
    }

    /// The prompts in groups that each fit a request and are answered in reasonable time.
    package func batches(largestCount: Int = 32, largestBytes: Int = 16 << 10) -> [[Prompt]] {
        var batches: [[Prompt]] = []
        var bytes = 0
        for prompt in prompts {
            let size = prompt.byteCount
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

extension Prompt {
    /// About what it takes in a request.
    var byteCount: Int {
        switch self {
        case .text(let text, _): text.utf8.count
        case .tokens(let ids): ids.count * MemoryLayout<Int32>.size
        }
    }
}
