import Glibc

/// What an output can show: how wide it is, how many colours it has, and whether it takes more than ASCII.
public struct Terminal: Sendable, Equatable {
    public enum ColourDepth: Sendable {
        case none
        /// The 256 colours of xterm.
        case indexed
        /// 24 bits.
        case direct
    }

    /// Columns.
    public var width: Int
    public var colours: ColourDepth
    public var hasUnicode: Bool

    public init(width: Int = 80, colours: ColourDepth = .none, hasUnicode: Bool = false) {
        self.width = width
        self.colours = colours
        self.hasUnicode = hasUnicode
    }

    /// Plain ASCII, 80 columns: what a pipe or a file gets.
    public static let plain = Terminal()

    /// Reads an output's abilities from the environment.
    ///
    /// - Parameters:
    ///   - columns: Its width, `nil` where it is no terminal; such an output gets ``plain``.
    ///   - environment: Looks an environment variable up.
    public init(columns: Int?, environment: (String) -> String?) {
        guard let columns else {
            self = .plain
            return
        }
        func set(_ name: String) -> String? { environment(name).flatMap { $0.isEmpty ? nil : $0 } }
        let locale = set("LC_ALL") ?? set("LC_CTYPE") ?? set("LANG") ?? ""
        let encoding = locale.lowercased()
        self.init(
            width: min(max(columns, 40), 400),
            colours: set("NO_COLOR") == nil
                ? Self.depth(of: set("TERM") ?? "", colorTerm: set("COLORTERM") ?? "") : .none,
            hasUnicode: encoding.hasSuffix("utf-8") || encoding.hasSuffix("utf8"))
    }

    /// The abilities of an open file descriptor of this process.
    public static func detect(descriptor: Int32) -> Terminal {
        Terminal(columns: columns(of: descriptor)) { name in getenv(name).map { String(cString: $0) } }
    }

    private static func depth(of term: String, colorTerm: String) -> ColourDepth {
        // The Linux console and hardware terminals have 8 or 16 colours: too few for a picture.
        if term.isEmpty || term == "dumb" || term == "linux" || term.hasPrefix("vt") { return .none }
        if colorTerm == "truecolor" || colorTerm == "24bit" || term.hasSuffix("-direct") { return .direct }
        return .indexed
    }

    /// The width of a terminal, or `nil` where the descriptor is none; a terminal that does not say has 80 columns.
    private static func columns(of descriptor: Int32) -> Int? {
        guard isatty(descriptor) == 1 else { return nil }
        var size = winsize()
        guard ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return 80 }
        return Int(size.ws_col)
    }
}
