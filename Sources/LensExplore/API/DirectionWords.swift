internal import LensCore

/// A direction of the residual stream that is added at a hook point, named by tokens:
/// `{"direction": {"token": " happy", "minus": " sad", "scale": 4}, "hook": "resid_post", "layer": 0, "pos": -1}`.
struct DirectionWords: Decodable, Sendable {
    struct Direction: Decodable, Sendable {
        /// What it leads towards.
        var token: String
        /// What it leads away from.
        var minus: String?
        /// The length of what is added; negative for the opposite way.
        var scale: Float
    }

    var direction: Direction
    private var hook: String
    private var layer: Int?
    /// All positions where it is left out.
    private var pos: Int?

    /// The edit that adds `vector`, `[d_model]`.
    ///
    /// - Throws: `INVALID_ARGUMENT` where the vector holds something that is no number.
    func edit(adding vector: [Float]) throws(LensError) -> EditWords {
        var edit = EditWords(
            action: "add", hook: hook, value: .array(try Operand(shape: [vector.count], values: vector)))
        edit.words[.layer] = layer.map(String.init)
        edit.words[.pos] = pos.map(String.init)
        return edit
    }
}
