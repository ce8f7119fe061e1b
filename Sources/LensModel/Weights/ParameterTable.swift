import LensCore
import LensTensor

/// The one table of TransformerLens's parameters: what each is called, its shape, and what it is made of here.
struct ParameterTable {
    private let c: ModelConfiguration
    private let weights: ModelWeights
    private let form: WeightForm
    private(set) var parameters: [ModelParameter] = []
    /// Other names for some of them, which are not listed.
    private(set) var namesakes: [ModelParameter] = []

    init(_ model: LanguageModel, _ form: ModelReference.Form) {
        c = model.configuration
        weights = model.weights
        self.form = model.form(form)
        addEmbedding()
        for layer in 0..<c.nLayers { addBlock(layer) }
        addUnembedding()
    }

    private var foldsNorms: Bool { form.steps.contains(.foldLn) }

    // MARK: - Outside the blocks

    private mutating func addEmbedding() {
        let centers = form.centersWriting
        add(
            "embed.W_E", [c.dVocab, c.dModel], .rows(weights.embed, scale: c.embedScale, centers: centers),
            namesake: "W_E")
        add("embed.ln", weights.embedNorm)
        if let table = weights.posEmbed {
            add(
                "pos_embed.W_pos", [c.nCtx, c.dModel], .rows(table, scale: 1, centers: centers), namesake: "W_pos")
        }
    }

    private mutating func addUnembedding() {
        add("ln_final", weights.lnFinal, foldsInto: form.lnFinal)
        var matrix = reading(weights.unembed.matrix, behind: form.lnFinal, .inputs)
        matrix.centersOutputs = form.unembedding.centre != nil
        add("unembed.W_U", [c.dModel, c.dVocab], .turned(matrix), namesake: "W_U")
        add("unembed.b_U", form.unembedding.bias, [c.dVocab], namesake: "b_U")
    }

    // MARK: - Blocks

    private mutating func addBlock(_ layer: Int) {
        let (block, own) = (weights.blocks[layer], form.blocks[layer])
        let prefix = "blocks.\(layer)."
        add(prefix + "ln1", block.ln1, foldsInto: own.ln1)
        add(prefix + "ln1_post", block.ln1Post)
        if !c.attnOnly {
            add(prefix + "ln2", block.ln2, foldsInto: own.ln2)
            add(prefix + "ln2_post", block.ln2Post)
        }
        addAttention(block, own, prefix + "attn.")
        if let mlp = block.mlp { addMLP(mlp, own, prefix + "mlp.") }
    }

    private mutating func addAttention(_ block: BlockWeights, _ own: WeightForm.BlockForm, _ prefix: String) {
        let (heads, keyHeads) = (c.nHeads, c.nKeyValueHeads)
        let sharing = heads / keyHeads
        let mark = c.isGrouped ? "_" : ""
        for (letter, weight, count) in [
            ("Q", block.query.matrix, heads), ("K", block.key.matrix, keyHeads), ("V", block.value.matrix, keyHeads),
        ] {
            func source(sharing: Int) -> ModelParameter.Source {
                .turned(reading(weight, behind: own.ln1, .headsOfOutputs(dHead: c.dHead, sharing: sharing)))
            }
            let isShared = letter != "Q"
            add(
                prefix + (isShared ? mark : "") + "W_\(letter)", [count, c.dModel, c.dHead], source(sharing: 1))
            guard isShared else { continue }
            // TransformerLens's properties: every head with keys and values of its own; and where each head has some
            // anyway, the name that the shared ones would have.
            if c.isGrouped {
                addNamesake(prefix + "W_\(letter)", [heads, c.dModel, c.dHead], source(sharing: sharing))
            } else {
                addNamesake(prefix + "_W_\(letter)", [count, c.dModel, c.dHead], source(sharing: 1))
            }
        }
        var output = TurnedMatrix(weight: block.output.matrix, layout: .headsOfInputs(dHead: c.dHead))
        output.centersOutputs = form.centersWriting
        add(prefix + "W_O", [heads, c.dHead, c.dModel], .turned(output))
        for (letter, bias, count) in [
            ("Q", own.queryBias, heads), ("K", own.keyBias, keyHeads), ("V", own.valueBias, keyHeads),
        ] {
            let isShared = letter != "Q"
            add(prefix + (isShared ? mark : "") + "b_\(letter)", bias, [count, c.dHead])
            guard isShared else { continue }
            let repeated = bias?.reshaped([count, c.dHead]).repeatingRows(sharing)
            addNamesake(
                prefix + (c.isGrouped ? "" : "_") + "b_\(letter)", [heads, c.dHead],
                repeated.map { .stored($0) } ?? .zeros)
        }
        add(prefix + "b_O", own.outputBias, [c.dModel])
        add(prefix + "q_norm", block.queryNorm)
        add(prefix + "k_norm", block.keyNorm)
    }

    private mutating func addMLP(_ mlp: MLPParts<Tensor>, _ own: WeightForm.BlockForm, _ prefix: String) {
        add(prefix + "W_in", [c.dModel, c.dMLP], .turned(reading(mlp.input.matrix, behind: own.ln2, .inputs)))
        if let gate = mlp.gate {
            // HookedTransformer leaves the gate's mean in, which the normalised rows do not see.
            var matrix = reading(gate.matrix, behind: own.ln2, .inputs)
            matrix.centersInputs = false
            add(prefix + "W_gate", [c.dModel, c.dMLP], .turned(matrix))
            // TransformerLens has no such bias; StableLM's folded norms leave one.
            if let bias = own.gateBias { add(prefix + "b_gate", bias, [c.dMLP]) }
        }
        add(prefix + "b_in", own.mlpInBias ?? mlp.postBias, [c.dMLP])
        add(prefix + "ln", mlp.norm, foldsInto: own.mlpNorm)
        var output = reading(mlp.output.matrix, behind: own.mlpNorm, .inputs)
        output.centersOutputs = form.centersWriting
        add(prefix + "W_out", [c.dMLP, c.dModel], .turned(output))
        add(prefix + "b_out", own.mlpOutBias, [c.dModel])
    }

    // MARK: - Entries

    /// A matrix behind a norm, which is folded into it where this form folds norms.
    private func reading(
        _ weight: Weight, behind norm: WeightForm.NormForm?, _ layout: TurnedMatrix.Layout
    ) -> TurnedMatrix {
        guard foldsNorms, let norm else { return TurnedMatrix(weight: weight, layout: layout) }
        return TurnedMatrix(weight: weight, layout: layout, entering: norm.weight, centersInputs: norm.centers)
    }

    private mutating func add(
        _ name: String, _ shape: [Int], _ source: ModelParameter.Source, namesake: String? = nil
    ) {
        parameters.append(ModelParameter(name: name, shape: shape, source: source))
        if let namesake { addNamesake(namesake, shape, source) }
    }

    private mutating func add(_ name: String, _ bias: Tensor?, _ shape: [Int], namesake: String? = nil) {
        add(name, shape, bias.map { .stored($0) } ?? .zeros, namesake: namesake)
    }

    private mutating func addNamesake(_ name: String, _ shape: [Int], _ source: ModelParameter.Source) {
        namesakes.append(ModelParameter(name: name, shape: shape, source: source))
    }

    /// A norm's own parameters, unless they are folded into what is behind it.
    private mutating func add(_ name: String, _ norm: NormParts<Tensor>?, foldsInto form: WeightForm.NormForm? = nil) {
        guard let norm, !(foldsNorms && form != nil) else { return }
        if let weight = norm.weight { add(name + ".w", [weight.count], .stored(weight)) }
        if let bias = norm.bias { add(name + ".b", [bias.count], .stored(bias)) }
    }
}
