import LensCore
import LensModel
import LensTensor

extension Engine {
    /// Bytes of a parameter that are made at a time; two such parts are held, one being made and one on its way.
    private static let partBytes = 16 << 20
    /// Bytes of values in one event; they are lent, not copied.
    private static let eventBytes = 1 << 20

    /// Every parameter of a model's form with its shape.
    ///
    /// - Throws: `NOT_FOUND` for the model.
    public func parameters(of reference: ModelReference) throws(LensError) -> ParameterList {
        let entry = try models.model(for: reference)
        return ParameterList(
            model: ModelReference(name: entry.name, form: reference.form).description,
            fingerprint: entry.model.fingerprint,
            parameters: entry.model.parameters(reference.form).map { ParameterShape(name: $0.name, shape: $0.shape) })
    }

    /// Sends one parameter in TransformerLens's layout, made part by part from the weights that there are.
    ///
    /// - Throws: `NOT_FOUND` for the model or the parameter, `INVALID_ARGUMENT` for a slice out of range, and what
    ///   `send` throws.
    public func parameter(
        _ request: ParameterRequest, control: CallControl, send: (WeightEvent) async throws -> Void
    ) async throws {
        let entry = try models.model(for: request.model)
        let form = request.model.form
        let parameter = try entry.model.parameter(request.name, form)
        let axes = try (request.slice ?? TensorSlice([.ellipsis])).resolved(against: parameter.shape)
        guard let first = axes.first else { throw LensError(.internal, "\(parameter.name) has no axis") }
        let parts = Self.parts(of: first, entryBytes: 4 * parameter.entryWidth)
        let most = parts.map { $0.entries.count }.max() ?? 0
        let room = try AnswerReservation(answers, bytes: 8 * parameter.entryWidth * most)
        let prepared = try await passes.run(PrepareParameterJob(parameter), for: user, control: control)
        try await send(
            .header(
                WeightHeader(
                    name: parameter.name, shape: axes.filter { !$0.isDropped }.map(\.count),
                    model: ModelReference(name: entry.name, form: form).description,
                    fingerprint: entry.model.fingerprint)))
        for part in parts {
            let made = try await passes.run(
                ParameterEntriesJob(prepared, entries: part.entries), for: user, control: control)
            let takesAll =
                part.axis.count == part.entries.count && part.axis.step == 1
                && zip(axes, parameter.shape).dropFirst().allSatisfy { $0.count == $1 && $0.step == 1 }
            try await self.send(takesAll ? made : made.selecting([part.axis] + axes.dropFirst()), held: room, send)
        }
    }

    /// Sends values in events of a bounded size.
    func send(
        _ values: Tensor, held room: AnswerReservation, _ send: (WeightEvent) async throws -> Void
    ) async throws {
        let step = Self.eventBytes / MemoryLayout<Float>.stride
        for start in stride(from: 0, to: values.count, by: step) {
            let range = start..<min(start + step, values.count)
            try await send(.values(values.valueBytes(range, as: .float32, held: room)))
        }
    }

    /// Cuts a sliced first axis into runs of entries that are made together, each with its place in what is made.
    private static func parts(
        of axis: TensorSlice.Axis, entryBytes: Int
    ) -> [(entries: Range<Int>, axis: TensorSlice.Axis)] {
        let apart = Int(axis.step.magnitude)
        let count = max(partBytes / max(entryBytes, 1) / apart, 1)
        return stride(from: 0, to: axis.count, by: count).map { first in
            let taken = min(count, axis.count - first)
            let (begin, end) = (axis.start + first * axis.step, axis.start + (first + taken - 1) * axis.step)
            let entries = min(begin, end)..<max(begin, end) + 1
            return (
                entries,
                TensorSlice.Axis(
                    start: begin - entries.lowerBound, count: taken, step: axis.step, isDropped: axis.isDropped)
            )
        }
    }
}
