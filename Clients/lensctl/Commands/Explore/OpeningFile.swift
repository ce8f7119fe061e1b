import Glibc
import LensCore

/// A page of one's own that only leads a browser on to an address: what it says, nobody else can read.
struct OpeningFile {
    private let folder: String

    var path: String { folder + "/open.html" }

    /// Writes it where one's programs keep what is theirs while they run.
    ///
    /// - Parameter address: of plain ASCII, with nothing that means something in HTML.
    /// - Throws: `FAILED_PRECONDITION` where it cannot be written.
    init(for address: String) throws(LensError) {
        let place = Environment.folder("XDG_RUNTIME_DIR") ?? Environment.folder("TMPDIR") ?? "/tmp"
        var template = Array("\(place)/lensctl-XXXXXX".utf8CString)
        // For its owner alone.
        guard mkdtemp(&template) != nil else { throw Self.failure(place) }
        folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let page = """
            <!DOCTYPE html>
            <meta charset="utf-8">
            <meta name="referrer" content="no-referrer">
            <meta http-equiv="refresh" content="0; url=\(address)">
            <title>lensctl explore</title>
            <p><a href="\(address)">lensctl explore</a></p>

            """
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw Self.failure(path) }
        let isWritten = Descriptor(descriptor).write(Array(page.utf8))
        guard close(descriptor) == 0, isWritten else { throw Self.failure(path) }
    }

    func remove() {
        unlink(path)
        rmdir(folder)
    }

    private static func failure(_ path: String) -> LensError {
        LensError(.failedPrecondition, "cannot write a file for the browser at '\(path)': \(SystemError.text(errno))")
    }
}
