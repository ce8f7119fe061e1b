import LensCore
import LensModel
import LensTensor

/// The eigenvalues of heads' circuits, layer by layer: with embedding and unembedding around them, and without.
final class CircuitSpectraJob: PassJob {
    private let kind: CircuitKind
    private let subject: PassSubject
    /// What stands around the heads, once it is known.
    private var core: Tensor?
    private let coreJob: VocabularyCoreJob
    private let heads: [HeadPlace]
    /// Places in `heads`, by layer.
    private var layers: ArraySlice<(layer: Int, places: [Int])>
    private var found: [HeadCircuit?]

    /// - Parameter core: as ``VocabularyCoreJob`` gives it; `nil` has it computed here.
    init(_ kind: CircuitKind, of subject: PassSubject, heads: [HeadPlace], core: Tensor?) {
        self.kind = kind
        self.subject = subject
        self.heads = heads
        self.core = core
        coreJob = VocabularyCoreJob(kind, of: subject)
        layers = heads.byLayer[...]
        found = Array(repeating: nil, count: heads.count)
    }

    var cost: PassCost { PassCost(operations: Self.operations(subject.configuration, heads: heads.count), rows: 0) }

    var progress: PassProgress? {
        PassProgress(done: found.count { $0 != nil }, total: heads.count)
    }

    /// The iteration takes some 25 n³, at a fraction of the products' speed.
    static func operations(_ c: ModelConfiguration, heads: Int) -> Double {
        let (dHead, dModel) = (Double(c.dHead), Double(c.dModel))
        return Double(heads) * (2 * dHead * dModel * (dModel + 2 * dHead) + 500 * dHead * dHead * dHead)
    }

    func step(on compute: Compute) throws(LensError) -> Value? {
        guard let core else {
            core = try coreJob.step(on: compute)?.matrix
            return nil
        }
        if let (layer, places) = layers.popFirst() { try take(layer, places, around: core, on: compute) }
        guard layers.isEmpty else { return nil }
        return Value(heads: found.compactMap(\.self))
    }

    private func take(
        _ layer: Int, _ places: [Int], around core: Tensor, on compute: Compute
    ) throws(LensError) {
        let circuits = try LayerCircuits(
            kind, layer: layer, of: subject.model, subject.recipe.model.form, on: compute)
        // Of each head the full product and the bare one.
        var products: [Tensor] = []
        for place in places {
            let (input, output) = try circuits.factors(head: heads[place].head, on: compute)
            let around = try compute.pool.product(output, core, control: compute.control)
            products.append(try compute.pool.product(around, input, control: compute.control))
            products.append(try compute.pool.product(output, input, control: compute.control))
        }
        let spectra = HeadSlots<[Eigenvalue]>(count: products.count)
        try compute.pool.run(blocks: products.count, control: compute.control) { [products] index in
            spectra.set(products[index].eigenvalues() ?? [], at: index)
        }
        let values = spectra.values
        for (index, place) in places.enumerated() {
            found[place] = HeadCircuit(
                place: heads[place], score: values[2 * index].positivity, bareScore: values[2 * index + 1].positivity,
                eigenvalues: values[2 * index])
        }
    }

    struct Value: KeptAnswer {
        /// Without entries.
        let heads: [HeadCircuit]
        func copied() -> Value { Value(heads: heads.copied()) }
        var byteCount: Int { heads.reduce(0) { $0 + 96 + 16 * $1.eigenvalues.count } }
    }
}

extension [HeadPlace] {
    /// Indices of the heads of each layer, in the order of the layers.
    var byLayer: [(layer: Int, places: [Int])] {
        Dictionary(grouping: indices) { self[$0].layer }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
