import FoundationEssentials
import LensCore

/// Many prompts from a file, read as they are asked for: one per line, or one `{"text": …}` or `{"tokens": […]}` per
/// line of a `.jsonl`. Empty lines are skipped, and so are objects with an empty text.
///
/// It is one open file: whoever reads on reads on for all that hold it.
package final class Corpus {
    private var lines: Lines
    private let isJSONLines: Bool
    private let prependsBOS: Bool
    private let name: String
    private var lineNumber = 0
    /// Read, but too large for the batch before it.
    private var waiting: Prompt?

    /// - Parameter prependBOS: of texts; nothing is put in front of tokens.
    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be opened.
    package init(at path: String, prependBOS: Bool) throws(LensError) {
        lines = try Lines(at: path)
        isJSONLines = path.hasSuffix(".jsonl")
        prependsBOS = prependBOS
        name = path
    }

    /// All prompts of a file.
    ///
    /// - Throws: `INVALID_ARGUMENT` as ``next()``, and where there is none.
    static func prompts(at path: String, prependBOS: Bool) throws(LensError) -> [Prompt] {
        let corpus = try Corpus(at: path, prependBOS: prependBOS)
        var prompts: [Prompt] = []
        while let prompt = try corpus.next() { prompts.append(prompt) }
        guard !prompts.isEmpty else { throw corpus.isEmpty }
        return prompts
    }

    /// Goes through the whole file without keeping any of it, and back to its beginning.
    ///
    /// - Returns: how many prompts there are.
    /// - Throws: `INVALID_ARGUMENT` as ``next()``, and where there is none.
    package func check() throws(LensError) -> Int {
        try rewind()
        var count = 0
        while try next() != nil { count += 1 }
        guard count > 0 else { throw isEmpty }
        try rewind()
        return count
    }

    /// Back to the first prompt.
    package func rewind() throws(LensError) {
        try lines.rewind()
        lineNumber = 0
        waiting = nil
    }

    var isEmpty: LensError { .invalidArgument("'\(name)' holds no prompt; expected one per line") }

    /// The next prompt; `nil` behind the last.
    ///
    /// - Throws: `INVALID_ARGUMENT` that names the line which is no such object, not UTF-8 or too long.
    package func next() throws(LensError) -> Prompt? {
        if let prompt = waiting {
            waiting = nil
            return prompt
        }
        while let line = try lines.next() {
            lineNumber += 1
            if let prompt = try prompt(of: line) { return prompt }
        }
        return nil
    }

    /// The next prompts, as many as fit a request and are answered in reasonable time; none behind the last.
    ///
    /// - Throws: as ``next()``.
    package func nextBatch(
        largestCount: Int = 32, largestBytes: Int = 16 << 10
    ) throws(LensError) -> [Prompt] {
        var batch: [Prompt] = []
        var bytes = 0
        while batch.count < largestCount, let prompt = try next() {
            bytes += prompt.byteCount
            guard batch.isEmpty || bytes <= largestBytes else {
                waiting = prompt
                break
            }
            batch.append(prompt)
        }
        return batch
    }

    private func prompt(of line: [UInt8]) throws(LensError) -> Prompt? {
        // "\r\n" ends a line too.
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line[...]
        if line.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) { return nil }
        guard isJSONLines else {
            guard let text = String(validating: line, as: UTF8.self) else {
                throw .invalidArgument(
                    "'\(name)' must be UTF-8 text; line \(lineNumber) holds bytes that are not")
            }
            return .text(text, prependBOS: prependsBOS)
        }
        let record = try? JSONDecoder().decode(Record.self, from: Data(line))
        switch (record?.text, record?.tokens) {
        case (let text?, nil): return text.isEmpty ? nil : .text(text, prependBOS: prependsBOS)
        case (nil, let tokens?) where !tokens.isEmpty: return .tokens(tokens)
        default:
            throw .invalidArgument(
                "line \(lineNumber) of '\(name)' must be a JSON object with a text or with tokens: "
                    + "{\"text\": \"…\"} or {\"tokens\": [5, 7]}")
        }
    }

    private struct Record: Decodable {
        let text: String?
        let tokens: [Int32]?
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
