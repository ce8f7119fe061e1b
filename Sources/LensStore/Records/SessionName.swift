import LensCore

/// A checked name of a session: 1 to 64 printable characters.
public struct SessionName: Hashable, Sendable {
    public let text: String

    /// - Throws: `INVALID_ARGUMENT` that says what came.
    public init(checking text: String) throws(LensError) {
        let count = text.unicodeScalars.count
        guard (1...64).contains(count) else {
            throw .invalidArgument("a session's name has 1 to 64 printable characters; received \(count) characters")
        }
        guard text.unicodeScalars.allSatisfy(\.isPrintable) else {
            throw .invalidArgument(
                "a session's name has 1 to 64 printable characters; received \(text.quotedForMessage)")
        }
        self.text = text
    }

    /// The name of a session that is to be made.
    ///
    /// - Throws: `INVALID_ARGUMENT` also for a `/`, by which other users' sessions are named.
    public init(new text: String) throws(LensError) {
        try self.init(checking: text)
        guard !text.contains("/") else {
            throw .invalidArgument(
                "a new session's name has no '/'; received '\(text)' (OWNER/NAME is another user's session, and only "
                    + "its owner writes into it)")
        }
    }
}

extension Unicode.Scalar {
    var isPrintable: Bool {
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator: false
        default: true
        }
    }
}

extension String {
    /// What came, short and with every unprintable character escaped, to stand in an error's message.
    package var quotedForMessage: String {
        var quoted = ""
        for scalar in unicodeScalars.prefix(64) {
            quoted += scalar.isPrintable ? String(scalar) : "\\u{\(String(scalar.value, radix: 16))}"
        }
        return "'\(quoted)'" + (unicodeScalars.count > 64 ? "… (\(unicodeScalars.count) characters)" : "")
    }
}
