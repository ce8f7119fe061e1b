import Crypto
import LensCore

/// What something was made from, as SHA-256: equal content has one digest, and nobody can make two contents share one.
package struct PassDigest: Hashable, Sendable {
    private let digest: SHA256Digest

    package init(_ write: (inout Content) -> Void) {
        var content = Content()
        write(&content)
        digest = content.finished
    }

    /// Content on its way into a digest; lengths stand before lists, so that no part can pass for another.
    package struct Content {
        private var hash = SHA256()

        fileprivate var finished: SHA256Digest { hash.finalize() }

        package mutating func add(_ number: Int) {
            withUnsafeBytes(of: number) { hash.update(bufferPointer: $0) }
        }

        package mutating func add(_ text: String) {
            var text = text
            text.withUTF8 { bytes in
                add(bytes.count)
                hash.update(bufferPointer: UnsafeRawBufferPointer(bytes))
            }
        }

        mutating func add(_ texts: [String]) {
            add(texts.count)
            for text in texts { add(text) }
        }

        mutating func add<Number: BitwiseCopyable>(_ numbers: [Number]) {
            add(numbers.count)
            numbers.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }

        mutating func add(_ other: PassDigest) {
            other.digest.withUnsafeBytes { hash.update(bufferPointer: $0) }
        }

        /// `nil` is something else than every content.
        mutating func add<Value>(_ value: Value?, _ write: (inout Content, Value) -> Void) {
            add(value == nil ? 0 : 1)
            if let value { write(&self, value) }
        }
    }
}

// MARK: - Edits

extension PassDigest.Content {
    mutating func add(_ interventions: [Intervention]) {
        add(interventions.count)
        for intervention in interventions { add(intervention) }
    }

    private mutating func add(_ intervention: Intervention) {
        add(intervention.point.name)
        add(intervention.selection)
        add(intervention.action)
    }

    private mutating func add(_ action: Intervention.Action) {
        add(action.name)
        switch action {
        case .zero, .mask: break
        // A mean has a source or none.
        case .mean: add(0)
        case .meanOf(let source):
            add(1)
            add(source)
        case .set(let operand), .add(let operand), .project(let operand):
            add(operand.shape)
            add(operand.values)
        case .scale(let factor): add([factor])
        case .patch(let source, let prompt, let positions):
            add(source)
            add(prompt) { $0.add($1) }
            add(positions) { $0.add($1) }
        case .swap(let prompt): add(prompt)
        }
    }

    private mutating func add(_ recipe: Recipe) {
        add(recipe.fingerprint)
        add(recipe.model.form.rawValue)
        add(recipe.tokens.count)
        for tokens in recipe.tokens { add(tokens) }
        add(recipe.interventions)
    }

    private mutating func add(_ selection: Selection) {
        for indices in [
            selection.prompts, selection.heads, selection.positions, selection.sources, selection.components,
        ] {
            add(indices) { $0.add($1) }
        }
    }

    private mutating func add(_ indices: Indices) {
        switch indices {
        case .index(let index):
            add(0)
            add(index)
        case .list(let list):
            add(1)
            add(list)
        case .range(let start, let stop, let step):
            add(2)
            add(start) { $0.add($1) }
            add(stop) { $0.add($1) }
            add(step)
        }
    }
}

// MARK: - Sweeps

extension PassDigest.Content {
    package mutating func add(_ sweep: Sweep) {
        add(sweep.edits.count)
        for edit in sweep.edits {
            add(edit.kind.rawValue)
            add(edit.layers)
            add(edit.action)
            add(edit.selection)
        }
        add(sweep.axes.map(\.rawValue))
        add(sweep.isPaired ? 1 : 0)
        add(sweep.metrics.count)
        for metric in sweep.metrics {
            add(metric.kind.rawValue)
            add(metric.tokens)
            add(metric.wrongTokens)
            add(metric.positions)
        }
        add(sweep.path) { content, path in
            content.add(path.receivers.count)
            for receiver in path.receivers {
                content.add(receiver.point.name)
                content.add(receiver.selection)
            }
            content.add(path.holdsMLPs ? 1 : 0)
        }
    }
}
