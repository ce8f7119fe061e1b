/// Where a checkpoint keeps one of a model's parts: in which tensor, in what layout, in which of its rows.
package struct StoredPart: Sendable, Hashable {
    /// The tensor's full name, as the family's newer checkpoints have it.
    package var name: String
    package var layout: Layout
    package var rows: Rows
    /// Added to every element: 1 where weights are stored as what they differ from 1 (Gemma's norms).
    package var offset: Float

    package init(name: String, layout: Layout = .outputsFirst, rows: Rows = .all, offset: Float = 0) {
        self.name = name
        self.layout = layout
        self.rows = rows
        self.offset = offset
    }

    /// How a matrix `[outputs, inputs]` lies in the file. Vectors lie as they are, but for their heads.
    package enum Layout: Sendable, Hashable {
        /// `[outputs, inputs]`, as torch's `Linear` has it.
        case outputsFirst
        /// `[inputs, outputs]`: transformers' `Conv1D`, TransformerLens's `W_in`, `W_out`, `W_U`.
        case inputsFirst
        /// `[head, inputs, dHead]` for outputs `head · dHead`: TransformerLens's `W_Q`; a vector is `[head, dHead]`.
        case outputsByHead(Int)
        /// `[head, dHead, outputs]` for inputs `head · dHead`: TransformerLens's `W_O`.
        case inputsByHead(Int)
    }

    /// Which of the tensor's outputs (a vector's elements) are the part.
    package enum Rows: Sendable, Hashable {
        case all
        /// Some that follow one another, of so many.
        case range(Range<Int>, of: Int)
        /// Several parts in turn, head by head: `[head, part, dHead]`.
        case interleaved(Int, of: Int, heads: Int)
    }
}

extension StoredPart {
    /// The shape that the tensor must have for a part of this shape.
    package func storedShape(_ shape: [Int]) -> [Int] {
        guard let own = shape.first else { return shape }
        let outputs =
            switch rows {
            case .all: own
            case .range(_, let total): total
            case .interleaved(_, let parts, _): own * parts
            }
        guard let inputs = shape.dropFirst().first else {
            if case .outputsByHead(let heads) = layout { return [heads, outputs / heads] }
            return [outputs]
        }
        return switch layout {
        case .outputsFirst: [outputs, inputs]
        case .inputsFirst: [inputs, outputs]
        case .outputsByHead(let heads): [heads, inputs, outputs / heads]
        case .inputsByHead(let heads): [heads, inputs / heads, outputs]
        }
    }

    /// Whether the tensor is the part as it lies.
    var isWhole: Bool { layout == .outputsFirst && rows == .all }

    /// Copies the part out of its tensor.
    ///
    /// - Parameters:
    ///   - stored: the tensor's elements, in ``storedShape(_:)``.
    ///   - shape: the part's, `[outputs, inputs]` or `[outputs]`.
    ///   - target: the part's elements, row-major.
    package func copy(_ stored: UnsafePointer<Float>, shape: [Int], to target: UnsafeMutablePointer<Float>) {
        guard let outputs = shape.first else { return }
        let inputs = shape.dropFirst().first ?? 1
        let storedOutputs = storedShape(shape).reduce(1, *) / max(inputs, 1)
        if layout == .inputsFirst || isInputsByHead, shape.count == 2 {
            // In tiles, so that both sides' cache lines are used whole.
            let tile = 32
            for first in stride(from: 0, to: outputs, by: tile) {
                for firstInput in stride(from: 0, to: inputs, by: tile) {
                    for output in first..<min(first + tile, outputs) {
                        let source = stored + storedOutput(output, outputs)
                        let row = target + output * inputs
                        for input in firstInput..<min(firstInput + tile, inputs) {
                            row[input] = source[input * storedOutputs]
                        }
                    }
                }
            }
        } else if case .outputsByHead(let heads) = layout, shape.count == 2 {
            let dHead = storedOutputs / heads
            for output in 0..<outputs {
                let place = storedOutput(output, outputs)
                let source = stored + place / dHead * inputs * dHead + place % dHead
                for input in 0..<inputs { target[output * inputs + input] = source[input * dHead] }
            }
        } else {
            for output in 0..<outputs {
                (target + output * inputs).update(
                    from: stored + storedOutput(output, outputs) * inputs, count: inputs)
            }
        }
    }

    private var isInputsByHead: Bool {
        if case .inputsByHead = layout { true } else { false }
    }

    /// Which of the tensor's outputs one of the part's is.
    private func storedOutput(_ output: Int, _ outputs: Int) -> Int {
        switch rows {
        case .all: return output
        case .range(let range, _): return range.lowerBound + output
        case .interleaved(let part, let parts, let heads):
            let dHead = max(outputs / heads, 1)
            return (output / dHead * parts + part) * dHead + output % dHead
        }
    }
}

// MARK: - What families write

extension StoredPart: ExpressibleByStringLiteral {
    package init(stringLiteral name: String) { self.init(name: name) }
}

extension LinearParts where Part == StoredPart {
    /// `NAME.weight` and, unless there is none, `NAME.bias`.
    static func linear(
        _ name: String, bias: Bool = true, layout: StoredPart.Layout = .outputsFirst, rows: StoredPart.Rows = .all
    ) -> Self {
        Self(
            weight: StoredPart(name: "\(name).weight", layout: layout, rows: rows),
            bias: bias ? StoredPart(name: "\(name).bias", rows: rows) : nil)
    }
}

extension NormParts where Part == StoredPart {
    /// `NAME.weight` and, unless there is none, `NAME.bias`.
    static func norm(_ name: String, bias: Bool = true, offset: Float = 0) -> Self {
        Self(
            weight: StoredPart(name: "\(name).weight", offset: offset),
            bias: bias ? StoredPart(name: "\(name).bias") : nil)
    }
}
