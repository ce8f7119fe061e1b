import Glibc

/// The process's environment; an empty variable counts as one that is not set.
struct Environment: Sendable {
    subscript(name: String) -> String? {
        guard let value = getenv(name), value.pointee != 0 else { return nil }
        return String(cString: value)
    }

    /// A folder from the environment; the XDG specification says that a relative one is to be ignored.
    func folder(_ name: String) -> String? {
        self[name].flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
}
