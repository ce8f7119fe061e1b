import Glibc
import LensCore

/// The lines of a file, of which no more than a piece is held; a pipe's are held whole, for it comes only once.
struct Lines {
    /// More than a request takes of a prompt; other fields of an object come beside it.
    private static let longest = 16 << 20
    private static let pieceSize = 1 << 16
    /// Of what cannot be read twice.
    private static let largestPipe = 1 << 30

    private let file: File
    private let name: String
    /// What was read and not yet given out.
    private var piece: [UInt8] = []
    private var taken = 0
    private var isAtEnd = false

    /// Closes with its last user.
    private final class File {
        let descriptor: Int32

        init(_ descriptor: Int32) { self.descriptor = descriptor }

        deinit { close(descriptor) }
    }

    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be opened or read.
    init(at path: String) throws(LensError) {
        name = "'\(path)'"
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .invalidArgument("cannot read '\(path)': \(SystemError.text())") }
        file = File(descriptor)
        guard lseek(descriptor, 0, SEEK_CUR) < 0 else { return }
        while try fill() {
            guard piece.count <= Self.largestPipe else {
                throw .invalidArgument("\(name) is a pipe and may bring at most 1 GiB; write it to a file")
            }
        }
    }

    /// Back to the first line.
    mutating func rewind() throws(LensError) {
        if lseek(file.descriptor, 0, SEEK_SET) == 0 {
            piece = []
            isAtEnd = false
        }
        taken = 0
    }

    /// The next line without its end; `nil` behind the last. What follows the last line's end is no line.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read or has a line too long.
    mutating func next() throws(LensError) -> [UInt8]? {
        // What was looked at already holds no end.
        var looked = taken
        while true {
            if let end = piece[looked...].firstIndex(of: UInt8(ascii: "\n")) {
                defer { taken = end + 1 }
                return Array(piece[taken..<end])
            }
            guard piece.count - taken <= Self.longest else {
                throw .invalidArgument("\(name) has a line of more than \(Self.longest >> 20) MiB")
            }
            looked = piece.count
            if !isAtEnd {
                // Moves what is left of the piece to its front.
                looked -= taken
                piece.removeFirst(taken)
                taken = 0
                if try fill() { continue }
            }
            guard taken < piece.count else { return nil }
            defer { taken = piece.count }
            return Array(piece[taken...])
        }
    }

    /// Reads on; false at the end.
    private mutating func fill() throws(LensError) -> Bool {
        let old = piece.count
        piece.append(contentsOf: repeatElement(0, count: Self.pieceSize))
        let count = piece.withUnsafeMutableBytes { bytes -> Int in
            while true {
                let count = read(file.descriptor, bytes.baseAddress.map { $0 + old }, Self.pieceSize)
                if count >= 0 || errno != EINTR { return count }
            }
        }
        piece.removeLast(Self.pieceSize - max(count, 0))
        guard count >= 0 else { throw .invalidArgument("cannot read \(name): \(SystemError.text())") }
        isAtEnd = count == 0
        return count > 0
    }
}
