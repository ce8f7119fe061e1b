/// A model in one of its forms: its shape, every hook point, and what was done to its weights.
public struct ModelDetail: Sendable, Equatable {
    public var model: ModelDescription
    public var form: ModelReference.Form
    /// In the order in which a pass reaches them.
    public var hooks: [HookShape]
    /// TransformerLens's default weight processing, in its order.
    public var steps: [StepOutcome]

    public init(
        model: ModelDescription, form: ModelReference.Form, hooks: [HookShape], steps: [StepOutcome]
    ) {
        self.model = model
        self.form = form
        self.hooks = hooks
        self.steps = steps
    }
}

/// The same hook point of all blocks that have it, or a point outside the blocks, with the shape of its activation.
public struct HookShape: Sendable, Hashable {
    /// One axis: its name in TransformerLens's words and how long it is.
    public struct Axis: Sendable, Hashable {
        /// `pos`, `source_pos` or a size's name such as `n_heads`; empty for an axis of one.
        public var name: String
        /// 0 for positions, which are the prompt's.
        public var size: Int

        public init(name: String, size: Int) {
            self.name = name
            self.size = size
        }
    }

    /// Such as `blocks.{l}.attn.hook_z`.
    public var name: String
    /// The blocks that have the point; none for a point outside the blocks.
    public var layers: [Int]
    /// Of one prompt, outermost first.
    public var axes: [Axis]
    /// Whether it is computed only when it is named.
    public var isOnDemand: Bool

    public init(name: String, layers: [Int], axes: [Axis], isOnDemand: Bool) {
        self.name = name
        self.layers = layers
        self.axes = axes
        self.isOnDemand = isOnDemand
    }
}

/// What became of a step of TransformerLens's default weight processing in a model.
public struct StepOutcome: Sendable, Hashable {
    /// As `HookedTransformer.from_pretrained` calls it: `fold_ln`, `center_writing_weights`, …
    public var name: String
    public var isApplied: Bool
    /// What it does to this model, or why it is left out.
    public var detail: String

    public init(name: String, isApplied: Bool, detail: String) {
        self.name = name
        self.isApplied = isApplied
        self.detail = detail
    }
}

extension ModelConfiguration {
    /// Every step of the default weight processing, in its order.
    public var stepOutcomes: [StepOutcome] {
        let applied = processingSteps
        return ProcessingStep.allCases.map { step in
            let isApplied = applied.contains(step)
            return StepOutcome(
                name: step.rawValue, isApplied: isApplied, detail: isApplied ? effect(of: step) : reason(against: step))
        }
    }

    private func effect(of step: ProcessingStep) -> String {
        switch step {
        case .foldLn: "norms' weights and biases act in the matrices behind them"
        case .centerWritingWeights: "what is written to the residual stream has mean zero over d_model"
        case .centerUnembed: "logits have mean zero over the vocabulary"
        case .foldValueBiases: "values' biases act in the attention's output bias"
        }
    }

    private func reason(against step: ProcessingStep) -> String {
        let isShortformer = positionalEmbedding == .shortformer
        return switch step {
        case .foldLn, .centerWritingWeights:
            if normPlacement == .after {
                "norms stand behind the sublayers"
            } else if isShortformer {
                "positions enter behind the norms"
            } else if normalizationType == .none {
                "the model has no norms"
            } else {
                "norms by RMS see the mean"
            }
        case .centerUnembed:
            isShortformer ? "left out for positions that enter behind the norms" : "capped logits would change"
        case .foldValueBiases: "values are clipped behind their biases"
        }
    }
}

extension ModelConfiguration {
    /// Every hook point of a model of this shape with its axes, blocks taken together.
    public var hookShapes: [HookShape] {
        var shapes: [HookShape] = []
        var rows: [HookKind: Int] = [:]
        for point in hookPoints {
            if let row = rows[point.kind] {
                if let layer = point.layer { shapes[row].layers.append(layer) }
                continue
            }
            rows[point.kind] = shapes.count
            let sizes = shape(of: point.kind, pos: 0)
            shapes.append(
                HookShape(
                    name: point.layer == nil ? point.name : "blocks.{l}.\(point.kind.suffix)",
                    layers: point.layer.map { [$0] } ?? [],
                    axes: zip(point.kind.axes, sizes).map { HookShape.Axis(name: $0.name, size: $1) },
                    isOnDemand: point.kind.isOnDemand))
        }
        return shapes
    }
}

extension HookKind.Axis {
    /// The size's name in a `HookedTransformerConfig`; positions have names of their own.
    var name: String {
        switch self {
        case .pos: "pos"
        case .sourcePos: "source_pos"
        case .head: "n_heads"
        case .keyHead: "n_key_value_heads"
        case .dHead: "d_head"
        case .dModel: "d_model"
        case .dMLP: "d_mlp"
        case .vocab: "d_vocab"
        case .one: ""
        }
    }
}
