import Dispatch
import Glibc

/// The machine's accounts. Directories may be slow to answer, so nobody's thread waits for them but Dispatch's.
enum UserAccounts {
    /// The uid of an account; `nil` where there is none.
    @Sendable static func userID(named name: String) async -> UInt32? {
        guard !name.utf8.contains(0) else { return nil }
        return await lookUp { record, buffer, size, found in getpwnam_r(name, record, buffer, size, found) }?.userID
    }

    /// The name of a uid's account; `nil` where there is none.
    @Sendable static func name(of userID: UInt32) async -> String? {
        await lookUp { record, buffer, size, found in getpwuid_r(userID, record, buffer, size, found) }?.name
    }

    private typealias Search =
        @Sendable (
            UnsafeMutablePointer<passwd>, UnsafeMutablePointer<CChar>, Int,
            UnsafeMutablePointer<UnsafeMutablePointer<passwd>?>
        ) -> CInt

    private static func lookUp(_ search: @escaping Search) async -> (userID: UInt32, name: String)? {
        await withCheckedContinuation { continuation in
            DispatchQueue.global().async { continuation.resume(returning: blockingLookUp(search)) }
        }
    }

    private static func blockingLookUp(_ search: Search) -> (userID: UInt32, name: String)? {
        var size = 1 << 12
        while size <= 1 << 20 {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: size)
            defer { buffer.deallocate() }
            var record = passwd()
            var found: UnsafeMutablePointer<passwd>?
            let status = search(&record, buffer, size, &found)
            if status == ERANGE {
                size *= 4
                continue
            }
            guard status == 0, let found, let name = found.pointee.pw_name else { return nil }
            return (found.pointee.pw_uid, String(cString: name))
        }
        return nil
    }
}
