import Glibc
import LensCore
import LensWire

extension CallContext {
    /// Who asks; root and the daemon's own user administrate it.
    var caller: Caller {
        Caller(
            userID: peer.userID, groupIDs: peer.groupIDs,
            isAdministrator: peer.userID == 0 || peer.userID == geteuid())
    }
}
