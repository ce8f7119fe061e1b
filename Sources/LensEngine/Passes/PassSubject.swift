import LensCore
import LensModel

/// A recipe together with the model that it is for: what a pass needs to begin.
struct PassSubject: Sendable {
    let recipe: Recipe
    let name: String
    let model: LanguageModel
    var plan: InterventionPlan
    let budget: RowBudget
    /// Model, form and edits; all prompts too where it matters to one of them which others there are.
    private let identity: PassDigest
    private let dependsOnPrompt: Bool

    /// - Parameter asker: the only user who shares what is computed; `nil` where all do.
    /// - Throws: `FAILED_PRECONDITION` where the recipe's weights are not among the models.
    init(_ recipe: Recipe, in models: ResidentModels, asker: UInt32?) throws(LensError) {
        let entry = try models.model(of: recipe)
        self.recipe = recipe
        name = entry.name
        model = entry.model
        plan = InterventionPlan(recipe.interventions)
        budget = RowBudget(entry.model.configuration)
        let dependsOnPrompt = recipe.interventions.contains(where: \.dependsOnPrompt)
        self.dependsOnPrompt = dependsOnPrompt
        identity = PassDigest { content in
            content.add(asker) { $0.add(Int($1)) }
            content.add(recipe.fingerprint)
            content.add(recipe.model.form.rawValue)
            content.add(recipe.interventions)
            if dependsOnPrompt { recipe.tokens.forEach { content.add($0) } }
        }
    }

    var configuration: ModelConfiguration { model.configuration }

    /// `NAME` or `NAME@raw`.
    var modelText: String { ModelReference(name: name, form: recipe.model.form).description }

    func begin(prompts: [Int]) throws(LensError) -> ForwardState {
        try ForwardState(model, form: recipe.model.form, tokens: prompts.map { recipe.tokens[$0] })
    }

    /// Prompts cut into batches that hold the row budget; all of them in one where edits reach across prompts.
    func batches(_ prompts: [Int]) -> [[Int]] {
        if plan.needsAllPrompts { return [Array(recipe.tokens.indices)] }
        return budget.batches(prompts) { recipe.tokens[$0].count }
    }

    /// Takes a pass of some prompts through the given points, in their order, and through every edit on the way; at a
    /// point that is both, `body` sees the edited activation.
    ///
    /// - Parameter isAtEnd: whether the pass ends at the last of the points.
    func visit(
        _ points: [HookPoint], in state: inout ForwardState, of prompts: [Int], on compute: Compute,
        isAtEnd: Bool = true, _ body: (ForwardState) throws(LensError) -> Void
    ) throws(LensError) {
        for point in Set(points).union(plan.points).sorted() {
            // Edits behind the last wanted point matter only to whoever goes on.
            if isAtEnd, let last = points.last, point > last { return }
            try state.advance(to: point, on: compute)
            try plan.apply(to: &state, prompts: prompts, control: compute.control)
            if points.contains(point) { try body(state) }
        }
    }

    /// Of one prompt's activation: the same for equal prompts under equal edits, whoever asks.
    func cacheKey(prompt: Int, point: HookPoint) -> ContentCache.Key {
        ContentCache.Key(digest: digest(prompt: prompt), point: point)
    }

    /// The same of several points.
    func cacheKeys(prompt: Int, points: [HookPoint]) -> [ContentCache.Key] {
        if points.isEmpty { return [] }
        let digest = digest(prompt: prompt)
        return points.map { ContentCache.Key(digest: digest, point: $0) }
    }

    private func digest(prompt: Int) -> PassDigest {
        PassDigest { content in
            content.add("prompt")
            content.add(identity)
            if dependsOnPrompt { content.add(prompt) } else { content.add(recipe.tokens[prompt]) }
        }
    }

    /// Of the mean over all positions of all prompts.
    func meanCacheKey(point: HookPoint) -> ContentCache.Key {
        let digest = PassDigest { content in
            content.add("mean")
            content.add(identity)
            recipe.tokens.forEach { content.add($0) }
        }
        return ContentCache.Key(digest: digest, point: point)
    }

    /// Of what somebody wants to know of all prompts.
    ///
    /// - Parameters:
    ///   - kind: a name that no other kind of question has.
    ///   - write: adds what else is asked for.
    func question(_ kind: String, _ write: (inout PassDigest.Content) -> Void) -> ContentCache.Key {
        let digest = PassDigest { content in
            content.add("question")
            content.add(kind)
            content.add(identity)
            content.add(recipe.tokens.count)
            for tokens in recipe.tokens { content.add(tokens) }
            write(&content)
        }
        return ContentCache.Key(digest: digest, point: nil)
    }

    /// How a step over some rows rides along.
    ///
    /// - Parameter rowLimit: the most rows of a batch, where memory does not say less.
    func ride(
        _ kind: PassRide.Kind, stops: [HookPoint], rows: Int, rowLimit: Int = .max, operations: Double
    ) -> PassRide {
        let budget = RowBudget(configuration, visiting: stops.map(\.kind), longest: configuration.nCtx)
        return PassRide(
            key: PassRide.Key(model: ObjectIdentifier(model), form: recipe.model.form, stops: stops, kind: kind),
            rows: rows, operations: operations, rowLimit: min(budget.rows, rowLimit))
    }

    func tokens(of prompt: Int) throws(LensError) -> [Token] {
        try model.tokens(recipe.tokens[prompt])
    }
}
