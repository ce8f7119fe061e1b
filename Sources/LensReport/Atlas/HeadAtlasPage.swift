import LensCore

/// All heads of a model as a page for eyes: a map of kinds, and a card per head with its evidence.
///
/// One self-contained HTML file without a script: what a browser does by itself (links, the keyboard's focus, light
/// and dark) is all it needs.
public struct HeadAtlasPage: Sendable {
    public let atlas: HeadAtlas
    /// Empty means a title made from the model's name.
    public let title: String
    /// The tokens of the example that patterns are drawn over; empty where there is none.
    public let example: [Token]
    /// One per head of the atlas, in its order; empty where there is no example.
    let pictures: [PatternPicture]
    public let daemon: DaemonVersion?

    /// The longest example whose patterns are drawn.
    public static let longestExample = 40

    /// Puts a page together.
    ///
    /// - Parameter patterns: of all heads over `example`, in the order of layers and heads; none draws none.
    /// - Throws: `INVALID_ARGUMENT` where there is not one pattern per head, or one is not `[pos, pos]` and causal.
    public init(
        _ atlas: HeadAtlas, title: String = "", example: [Token] = [], patterns: [HeadPattern] = [],
        daemon: DaemonVersion? = nil
    ) throws(LensError) {
        guard patterns.isEmpty || patterns.count == atlas.heads.count else {
            throw .invalidArgument(
                "an atlas of \(atlas.heads.count) heads has as many patterns; received \(patterns.count)")
        }
        var pictures: [PatternPicture] = []
        for pattern in patterns {
            pictures.append(PatternPicture(try CausalPacking(weights: pattern.weights, positions: example.count)))
        }
        self.atlas = atlas
        self.title = title
        self.example = patterns.isEmpty ? [] : example
        self.pictures = pictures
        self.daemon = daemon
    }

    var shownTitle: String { VisibleText.line(title.isEmpty ? "The heads of \(atlas.modelName)" : title) }
}

/// A head's pattern as SVG: one path per shade, so that a page of many heads stays small.
struct PatternPicture: Sendable {
    let svg: String

    /// Shades from the weakest that shows to the strongest.
    static let shades = 6

    init(_ packing: CausalPacking) {
        let positions = packing.positions
        var paths = Array(repeating: "", count: Self.shades)
        var cell = 0
        for row in 0..<positions {
            var run: (shade: Int, start: Int)?
            for column in 0...row {
                let shade = (Int(packing.triangle[cell]) * (Self.shades + 1)) >> 8
                cell += 1
                if let begun = run, begun.shade != shade {
                    Self.draw(begun, row: row, end: column, in: &paths)
                    run = nil
                }
                if run == nil { run = (shade, column) }
            }
            if let run { Self.draw(run, row: row, end: row + 1, in: &paths) }
        }
        var svg = "<svg class=\"pattern\" viewBox=\"0 0 \(positions) \(positions)\" aria-hidden=\"true\">"
        svg += "<path class=\"s0\" d=\"M0 0v\(positions)h\(positions)"
        for _ in 0..<positions { svg += "v-1h-1" }
        svg += "z\"/>"
        for (index, path) in paths.enumerated() where !path.isEmpty {
            svg += "<path class=\"s\(index + 1)\" d=\"\(path)\"/>"
        }
        self.svg = svg + "</svg>"
    }

    /// A run of cells of one shade; the weakest is the ground.
    private static func draw(_ run: (shade: Int, start: Int), row: Int, end: Int, in paths: inout [String]) {
        guard run.shade > 0 else { return }
        paths[run.shade - 1] += "M\(run.start) \(row)h\(end - run.start)v1h-\(end - run.start)z"
    }
}
