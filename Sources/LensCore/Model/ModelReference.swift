/// Which model a request means and in which of its two forms: `NAME` or `NAME@raw`; empty is the default model.
public struct ModelReference: Sendable, Hashable {
    /// The weights as TransformerLens processes them by default, or the checkpoint's own.
    public enum Form: String, Sendable {
        case processed
        case raw
    }

    /// The registered name; `nil` is the daemon's default model.
    public let name: String?
    public let form: Form

    public init(name: String?, form: Form = .processed) {
        self.name = name
        self.form = form
    }

    /// Reads `NAME`, `NAME@raw`, `@raw` or nothing.
    ///
    /// - Throws: `INVALID_ARGUMENT` for another suffix or a name that could not be registered.
    public init(parsing text: String) throws(LensError) {
        let parts = text.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2, parts[1] != "raw" {
            throw .invalidArgument("a model is written NAME or NAME@raw; received '\(text)'")
        }
        let name = parts.first.map(String.init) ?? ""
        if !name.isEmpty { try Self.check(name: name) }
        self.init(name: name.isEmpty ? nil : name, form: parts.count == 2 ? .raw : .processed)
    }

    /// Checks a name for registration: `[a-z0-9._-]{1,64}`, and neither `.` nor `..`, which are folders of every folder.
    public static func check(name: String) throws(LensError) {
        let allowed = name.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                true
            default: false
            }
        }
        guard allowed, name != ".", name != "..", (1...64).contains(name.utf8.count) else {
            throw .invalidArgument("a model's name has 1 to 64 of a-z 0-9 . _ -; received '\(name)'")
        }
    }
}

extension ModelReference: CustomStringConvertible {
    public var description: String { (name ?? "") + (form == .raw ? "@raw" : "") }
}
