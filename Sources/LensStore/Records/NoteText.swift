import LensCore

/// A checked note: at most 4096 characters, none of them unprintable but line breaks and tabs.
struct NoteText {
    static let maximumLength = 4096
    /// What lists show of it.
    static let shownLength = 200

    let text: String

    /// - Throws: `INVALID_ARGUMENT` that says what came.
    init(checking text: String) throws(LensError) {
        let count = text.unicodeScalars.count
        guard count <= Self.maximumLength else {
            throw .invalidArgument("a note has at most \(Self.maximumLength) characters; received \(count)")
        }
        guard text.unicodeScalars.allSatisfy({ $0.isPrintable || $0 == "\n" || $0 == "\t" }) else {
            throw .invalidArgument("a note has printable characters, line breaks and tabs; received others")
        }
        self.text = text
    }
}
