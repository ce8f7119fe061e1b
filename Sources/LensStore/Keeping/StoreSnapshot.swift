import Glibc
public import LensCore

/// A copy of the whole store as it was at one moment, to be read once. Nobody else has its file, which has no name any
/// more: the disk has its room back when this goes.
public final class StoreSnapshot: Sendable {
    /// Bytes.
    public let size: Int
    private let descriptor: CInt

    /// Takes a file over, and its name from it.
    init(taking path: String) throws(LensError) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        unlink(path)
        var status = stat()
        guard descriptor >= 0, fstat(descriptor, &status) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw LensError(.internal, "the copy of the store cannot be read: \(String(cString: strerror(errno)))")
        }
        size = Int(status.st_size)
    }

    deinit {
        close(descriptor)
    }

    /// Some bytes from a place on, at most `count` of them; none at the end.
    public func read(from offset: Int, count: Int) throws(LensError) -> [UInt8] {
        var code: CInt = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: max(0, min(count, size - offset))) { room, filled in
            while filled < room.count {
                let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[filled...])
                let got = pread(descriptor, rest.baseAddress, rest.count, offset + filled)
                if got > 0 {
                    filled += got
                } else if got == 0 || errno != EINTR {
                    code = got == 0 ? 0 : errno
                    return
                }
            }
        }
        guard code == 0 else {
            throw LensError(.dataLoss, "the copy of the store cannot be read: \(String(cString: strerror(code)))")
        }
        return bytes
    }
}
