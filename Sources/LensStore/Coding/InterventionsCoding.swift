import FoundationEssentials
import LensCore

/// Interventions as JSON: `{"version":2,"edits":[{"hook":"attn.hook_z","layer":0,"action":"zero","heads":"8"}]}`.
///
/// Version 1, which knew `zero` and `mean` of whole heads, is still read.
enum InterventionsCoding {
    private static let version = 2
    /// How deep passes that edits take values from may lie in one another.
    private static let maximumDepth = Recipe.maximumDepth

    static func encode(_ interventions: [Intervention]) throws(LensError) -> Data {
        try StoredJSON.encode(stored(interventions))
    }

    static func decode(_ data: Data) throws(LensError) -> [Intervention] {
        if try StoredJSON.version(of: data) == 1 { return try InterventionsCodingVersion1.decode(data) }
        return try interventions(try StoredJSON.decode(StoredInterventions.self, from: data, version: version))
    }

    static func stored(_ interventions: [Intervention]) -> StoredInterventions {
        StoredInterventions(version: version, edits: interventions.map(edit))
    }

    static func interventions(_ stored: StoredInterventions) throws(LensError) -> [Intervention] {
        guard stored.version == version else {
            throw .dataLoss("stored interventions have format \(stored.version), expected \(version)")
        }
        return try interventions(stored.edits, depth: 0)
    }

    // MARK: - Writing

    private static func edit(_ edit: Intervention) -> StoredInterventions.Edit {
        var stored = StoredInterventions.Edit(
            hook: edit.point.kind.uniqueName, layer: edit.point.layer, action: edit.action.name)
        if edit.selection != .all { stored.selection = StoredSelection(edit.selection) }
        switch edit.action {
        case .zero, .mean, .mask: break
        case .set(let operand), .add(let operand), .project(let operand): stored.operand = StoredOperand(operand)
        case .scale(let factor): stored.factor = factor
        case .swap(let prompt): stored.prompt = prompt
        case .meanOf(let source): stored.source = pass(source)
        case .patch(let source, let prompt, let positions):
            stored.source = pass(source)
            stored.prompt = prompt
            stored.sourcePositions = positions.map(StoredIndices.init)
        }
        return stored
    }

    private static func pass(_ recipe: Recipe) -> StoredInterventions.Pass {
        StoredInterventions.Pass(
            fingerprint: recipe.fingerprint, model: recipe.model.description, tokens: recipe.tokens,
            edits: recipe.interventions.map(edit))
    }

    // MARK: - Reading

    private static func interventions(
        _ edits: [StoredInterventions.Edit], depth: Int
    ) throws(LensError) -> [Intervention] {
        guard depth <= maximumDepth else { throw .dataLoss("stored interventions lie too deep in one another") }
        var interventions: [Intervention] = []
        for edit in edits {
            guard let kind = HookKind.allCases.first(where: { $0.uniqueName == edit.hook }),
                kind.isPerLayer == (edit.layer != nil), let action = try action(of: edit, depth: depth)
            else {
                throw .dataLoss(
                    "a stored intervention is unknown: \(edit.action) of \(edit.hook) "
                        + "in layer \(edit.layer.map(String.init) ?? "none")")
            }
            interventions.append(
                Intervention(
                    point: HookPoint(kind, layer: edit.layer), action: action,
                    selection: edit.selection?.selection ?? .all))
        }
        return interventions
    }

    /// `nil` where the words do not make an action.
    private static func action(
        of edit: StoredInterventions.Edit, depth: Int
    ) throws(LensError) -> Intervention.Action? {
        let operand = try edit.operand.map { (stored) throws(LensError) in try stored.operand() }
        let source = try edit.source.map { (stored) throws(LensError) in try recipe(stored, depth: depth + 1) }
        switch (edit.action, operand, source, edit.factor, edit.prompt) {
        case ("zero", nil, nil, nil, nil): return .zero
        case ("mask", nil, nil, nil, nil): return .mask
        case ("mean", nil, nil, nil, nil): return .mean
        case ("mean", nil, let source?, nil, nil): return .meanOf(source)
        case ("set", let operand?, nil, nil, nil): return .set(operand)
        case ("add", let operand?, nil, nil, nil): return .add(operand)
        case ("project", let operand?, nil, nil, nil): return .project(operand)
        case ("scale", nil, nil, let factor?, nil): return .scale(factor)
        case ("swap", nil, nil, nil, let prompt?): return .swap(prompt: prompt)
        case ("patch", nil, let source?, nil, let prompt):
            return .patch(source, prompt: prompt, positions: edit.sourcePositions?.indices)
        default: return nil
        }
    }

    private static func recipe(_ stored: StoredInterventions.Pass, depth: Int) throws(LensError) -> Recipe {
        guard let model = try? ModelReference(parsing: stored.model) else {
            throw .dataLoss("a stored intervention names a model that cannot be: \(stored.model.prefix(80))")
        }
        return Recipe(
            fingerprint: stored.fingerprint, model: model, tokens: stored.tokens,
            interventions: try interventions(stored.edits, depth: depth))
    }
}

/// Edits as they are written.
struct StoredInterventions: Codable {
    var version: Int
    var edits: [Edit]

    struct Edit: Codable {
        /// The hook kind's name within its scope.
        var hook: String
        var layer: Int?
        var action: String
        fileprivate var selection: StoredSelection?
        var factor: Float?
        fileprivate var operand: StoredOperand?
        var source: Pass?
        var prompt: Int?
        fileprivate var sourcePositions: StoredIndices?

        fileprivate init(hook: String, layer: Int?, action: String) {
            self.hook = hook
            self.layer = layer
            self.action = action
        }
    }

    struct Pass: Codable {
        var fingerprint: String
        var model: String
        var tokens: [[Int32]]
        var edits: [Edit]
    }
}

/// Edits within another value: in the database a blob of JSON in Base64, in files an object.
struct NestedInterventions: Codable {
    var interventions: StoredInterventions

    init(_ interventions: [Intervention]) {
        self.interventions = InterventionsCoding.stored(interventions)
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if NumberSpelling.isPlain(decoder.userInfo) {
            interventions = try container.decode(StoredInterventions.self)
        } else {
            interventions = InterventionsCoding.stored(
                try InterventionsCoding.decode(try container.decode(Data.self)))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if NumberSpelling.isPlain(encoder.userInfo) {
            try container.encode(interventions)
        } else {
            try container.encode(try StoredJSON.encode(interventions))
        }
    }
}

fileprivate struct StoredSelection: Codable {
    var prompts: StoredIndices?
    var heads: StoredIndices?
    var positions: StoredIndices?
    var sources: StoredIndices?
    var components: StoredIndices?

    init(_ selection: Selection) {
        prompts = selection.prompts.map(StoredIndices.init)
        heads = selection.heads.map(StoredIndices.init)
        positions = selection.positions.map(StoredIndices.init)
        sources = selection.sources.map(StoredIndices.init)
        components = selection.components.map(StoredIndices.init)
    }

    var selection: Selection {
        Selection(
            prompts: prompts?.indices, heads: heads?.indices, positions: positions?.indices,
            sources: sources?.indices, components: components?.indices)
    }
}

/// One of `index`, `list`, and a range: `{"step":1}` is `:`.
fileprivate struct StoredIndices: Codable {
    var index: Int?
    var list: [Int]?
    var start: Int?
    var stop: Int?
    var step: Int?

    init(_ indices: Indices) {
        switch indices {
        case .index(let index): self.index = index
        case .list(let list): self.list = list
        case .range(let start, let stop, let step): (self.start, self.stop, self.step) = (start, stop, step)
        }
    }

    var indices: Indices {
        if let index { return .index(index) }
        if let list { return .list(list) }
        return .range(start: start, stop: stop, step: step ?? 1)
    }
}

fileprivate struct StoredOperand: Codable {
    var shape: [Int]
    var values: StoredFloats

    init(_ operand: Operand) {
        shape = operand.shape
        values = StoredFloats(operand.values)
    }

    func operand() throws(LensError) -> Operand {
        do {
            return try Operand(shape: shape, values: values.values)
        } catch {
            throw LensError(.dataLoss, "a stored intervention has values that do not fit their shape", cause: error)
        }
    }
}

/// `{"version":1,"edits":[{"hook":"attn.hook_z","layer":0,"action":"zero","heads":[3]}]}`, as 0.1 wrote it.
private enum InterventionsCodingVersion1 {
    private struct Stored: Codable {
        var edits: [Edit]
    }

    private struct Edit: Codable {
        var hook: String
        var layer: Int?
        var action: String
        var heads: [Int]?
    }

    static func decode(_ data: Data) throws(LensError) -> [Intervention] {
        var interventions: [Intervention] = []
        for edit in try StoredJSON.decode(Stored.self, from: data, version: 1).edits {
            guard let kind = HookKind.allCases.first(where: { $0.uniqueName == edit.hook }),
                kind.isPerLayer == (edit.layer != nil), ["zero", "mean"].contains(edit.action)
            else {
                throw .dataLoss("a stored intervention is unknown: \(edit.action) of \(edit.hook)")
            }
            interventions.append(
                Intervention(
                    point: HookPoint(kind, layer: edit.layer), action: edit.action == "zero" ? .zero : .mean,
                    selection: Selection(heads: edit.heads.map { .list($0) })))
        }
        return interventions
    }
}
