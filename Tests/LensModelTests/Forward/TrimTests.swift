import LensCore
import LensModel
import LensTensor
import LensTestSupport
import Testing

/// The last positions' logits, for which the end of the last block is computed for those positions only, are those of
/// the whole pass, from wherever the pass stands and with whatever was edited there.
@Suite struct TrimTests {
    @Test(arguments: [ModelReference.Form.processed, .raw])
    func lastLogitsFromEveryPointAreThoseOfTheWholePass(form: ModelReference.Form) throws {
        let subject = try TestModel("gpt-neo-3l-local")
        let names = try subject.sequenceNames()
        for point in subject.model.configuration.hookPoints where point.kind != .tokens && point.kind != .logits {
            var state = try subject.begin(form, sequences: names)
            try state.advance(to: point, on: subject.compute)
            for sequence in names.indices {
                try state.edit(sequence) { (values, _) throws(LensError) in
                    for index in values.indices where values[index].isFinite { values[index] *= 0.9 }
                }
            }
            let last = try state.lastLogits(of: 0..<names.count, on: subject.compute)
            try state.advance(to: HookPoint(.logits), on: subject.compute)
            for sequence in names.indices {
                let logits = state.activation(of: sequence)
                let row = logits.rows(logits.shape[0] - 1..<logits.shape[0])
                #expect(
                    excess(last.rows(sequence..<sequence + 1).values, over: row.values, absolute: 1e-5, relative: 1e-5)
                        <= 0, "\(point), sequence \(sequence)")
            }
        }
    }
}
