import Glibc
import LensCore

/// Whole files, of UTF-8 text where nothing else is said.
enum TextFile {
    /// More than any prompt's context; a request frame holds a mebibyte.
    static let largestPrompt = 1 << 20
    /// Edits go into one request.
    static let largestEdits = 16 << 20

    /// A prompt from a file, without one final newline.
    static func prompt(at path: String) throws(LensError) -> String {
        try withoutFinalNewline(text(at: path, limit: largestPrompt))
    }

    /// A prompt from standard input, without one final newline.
    static func promptFromStandardInput() throws(LensError) -> String {
        let bytes = try bytes(from: STDIN_FILENO, name: "standard input", limit: largestPrompt)
        return withoutFinalNewline(try text(of: bytes, name: "standard input"))
    }

    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read, is over the limit or is not UTF-8.
    static func text(at path: String, limit: Int) throws(LensError) -> String {
        try text(of: bytes(at: path, limit: limit), name: "'\(path)'")
    }

    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read or is over the limit.
    static func bytes(at path: String, limit: Int) throws(LensError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .invalidArgument("cannot read '\(path)': \(SystemError.text())") }
        defer { close(descriptor) }
        return try bytes(from: descriptor, name: "'\(path)'", limit: limit)
    }

    private static func bytes(from descriptor: Int32, name: String, limit: Int) throws(LensError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = read(descriptor, &chunk, chunk.count)
            if count == 0 { break }
            guard count > 0 else {
                if errno == EINTR { continue }
                throw .invalidArgument("cannot read \(name): \(SystemError.text())")
            }
            bytes += chunk.prefix(count)
            guard bytes.count <= limit else {
                throw .invalidArgument("\(name) may hold at most \(limit) bytes; it holds more")
            }
        }
        return bytes
    }

    private static func text(of bytes: [UInt8], name: String) throws(LensError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidArgument("\(name) must be UTF-8 text; it holds bytes that are not")
        }
        return text
    }

    private static func withoutFinalNewline(_ text: String) -> String {
        guard text.utf8.last == UInt8(ascii: "\n") else { return text }
        // On the bytes: to Swift "\r\n" is one character, of which the return stays.
        return String(decoding: text.utf8.dropLast(), as: UTF8.self)
    }
}

/// What the system says of the last call that failed.
enum SystemError {
    static func text(_ code: Int32 = errno) -> String {
        strerror(code).map { String(cString: $0) } ?? "error \(code)"
    }
}
