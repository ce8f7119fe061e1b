/// Something that is added to the residual stream, or all that was added up to a place.
public struct ResidualComponent: Sendable, Hashable {
    public var kind: Kind
    /// `nil` for what belongs to no layer, and for all layers together.
    public var layer: Int?
    /// Which head or neuron.
    public var index: Int?

    public enum Kind: Int, Sendable, CaseIterable {
        case embed = 1
        case posEmbed
        /// What one head writes.
        case head
        /// `b_O`, with what a norm behind the attention adds.
        case attentionBias
        /// The heads of a layer and their bias; without a layer those of all layers.
        case attention
        /// The MLP of a layer, `b_out` included; without a layer those of all layers.
        case mlp
        /// What does not depend on the residual stream: biases of the norm and of what reads it.
        case bias
        /// What edits put into the residual stream and no other component accounts for.
        case rest
        /// The residual stream before a layer; without a layer the final stream.
        case residPre
        case residMid
        /// One neuron of an MLP.
        case neuron
    }

    public init(_ kind: Kind, layer: Int? = nil, index: Int? = nil) {
        self.kind = kind
        self.layer = layer
        self.index = index
    }

    /// TransformerLens's label (`decompose_resid`, `stack_head_results`, `accumulated_resid`, `stack_neuron_results`)
    /// where it has one: `embed`, `L0H3`, `1_mlp_out`, `2_pre`.
    public var label: String {
        let layerText = layer.map(String.init) ?? ""
        let indexText = index.map(String.init) ?? ""
        return switch kind {
        case .embed: "embed"
        case .posEmbed: "pos_embed"
        case .head: "L\(layerText)H\(indexText)"
        case .attentionBias: layer == nil ? "attn_bias" : "\(layerText)_attn_bias"
        case .attention: layer == nil ? "attn_out" : "\(layerText)_attn_out"
        case .mlp: layer == nil ? "mlp_out" : "\(layerText)_mlp_out"
        case .bias: "bias"
        case .rest: "rest"
        case .residPre: layer == nil ? "final_post" : "\(layerText)_pre"
        case .residMid: "\(layerText)_mid"
        case .neuron: "L\(layerText)N\(indexText)"
        }
    }
}
