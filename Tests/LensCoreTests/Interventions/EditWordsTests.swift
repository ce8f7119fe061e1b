import LensCore
import Testing

@Suite struct EditWordsTests {
    private struct Files: EditFiles {
        func operand(at path: String) throws(LensError) -> Operand {
            guard path == "dir.npy" else { throw .invalidArgument("cannot read '\(path)'") }
            return try Operand(shape: [2], values: [1, 2])
        }

        func prompts(at path: String) throws(LensError) -> [Prompt] { [.text(path, prependBOS: true)] }
    }

    private func spec(_ line: String) throws -> InterventionSpec {
        try EditWords(parsing: line).spec(reading: Files())
    }

    private func refusal(_ line: String) -> String? {
        do throws(LensError) {
            _ = try EditWords(parsing: line).spec(reading: Files())
            return nil
        } catch {
            return error.code == .invalidArgument ? error.message : nil
        }
    }

    @Test func everyActionIsRead() throws {
        let direction = try Operand(shape: [2], values: [1, 2])
        #expect(try spec("zero z0 head=8") == edit("z0", .zero, Selection(heads: .index(8))))
        #expect(try spec("mean z0") == edit("z0", .mean))
        #expect(try spec("mean z0 over=c.txt") == edit("z0", .meanOf(.prompts([.text("c.txt", prependBOS: true)]))))
        #expect(try spec("mean z0 from=last") == edit("z0", .meanOf(.run("last"))))
        #expect(try spec("set z0 0 head=1,3") == edit("z0", .set(Operand(0)), Selection(heads: .list([1, 3]))))
        #expect(
            try spec("set resid_pre0 dir.npy pos=-1")
                == edit("resid_pre0", .set(direction), Selection(positions: .index(-1))))
        #expect(try spec("add resid_post0 dir.npy") == edit("resid_post0", .add(direction)))
        #expect(
            try spec("scale mlp_out0 -0.5 pos=3:7")
                == edit("mlp_out0", .scale(-0.5), Selection(positions: .range(start: 3, stop: 7, step: 1))))
        #expect(
            try spec("patch z0 from=0a1b from_prompt=2 from_pos=2:5 pos=:3")
                == edit(
                    "z0", .patch(.run("0a1b"), prompt: 2, positions: .range(start: 2, stop: 5, step: 1)),
                    Selection(positions: .range(start: nil, stop: 3, step: 1))))
        #expect(
            try spec("patch z0 from_text='A  cat'")
                == edit("z0", .patch(.prompts([.text("A  cat", prependBOS: true)]), prompt: nil, positions: nil)))
        #expect(
            try spec("swap z0 head=3 with=1 prompt=0")
                == edit("z0", .swap(prompt: 1), Selection(prompts: .index(0), heads: .index(3))))
        #expect(try spec("project resid_post0 dir.npy") == edit("resid_post0", .project(direction)))
        #expect(
            try spec("mask pattern0 head=3 source=0")
                == edit("pattern0", .mask, Selection(heads: .index(3), sources: .index(0))))
        #expect(
            try spec("zero z layer=0,2 component=::2")
                == InterventionSpec(
                    hook: "z", layers: .list([0, 2]), action: .zero,
                    selection: Selection(components: .range(start: nil, stop: nil, step: 2))))
    }

    private func edit(
        _ hook: String, _ action: InterventionSpec.Action, _ selection: Selection = .all
    ) -> InterventionSpec {
        InterventionSpec(hook: hook, action: action, selection: selection)
    }

    @Test func examplesOfTheHelpAreRight() throws {
        for (example, _) in EditSyntax.examples {
            let words = try EditWords(parsing: example)
            #expect(throws: Never.self) {
                try words.spec(reading: Everything())
            }
        }
        #expect(
            Set(EditSyntax.examples.map { $0.edit.split(separator: " ")[0] }) == Set(EditSyntax.actions.map { $0[...] })
        )
    }

    private struct Everything: EditFiles {
        func operand(at path: String) throws(LensError) -> Operand { try Operand(1) }
        func prompts(at path: String) throws(LensError) -> [Prompt] { [.tokens([1])] }
    }

    @Test func linesAreWrittenAsTheyAreRead() throws {
        for line in [
            "zero z0 head=8", "set resid_pre0 'a b.npy' pos=-1", "scale z0 0.5 layer=0,2 pos=::2",
            "patch z0 from_text='A cat' from_pos=1,", "patch z0 from_text=\"don't\"", "mean z0 over=c.txt",
        ] {
            let words = try EditWords(parsing: line)
            #expect(try EditWords(parsing: words.description) == words, "\(line)")
        }
        #expect(try EditWords(parsing: "  zero   z0\thead=8 ").description == "zero z0 head=8")
        #expect(try EditWords(parsing: "add z0 ./a=b.npy").value == .file("./a=b.npy"))
    }

    @Test(arguments: [
        ("", "an edit begins with one of zero, mean"), ("zap z0", "received 'zap'"),
        ("zero", "expected a hook point behind 'zero'"), ("zero head=8", "expected a hook point"),
        ("zero z0 haed=8", "'haed' is no word of an edit; expected one of layer, prompt, head"),
        ("zero z0 head=8 head=9", "'head' is given twice"), ("zero z0 head=x", "head: indices are written like"),
        ("zero z0 head=", "head: indices"), ("zero z0 pos=1:2:0", "pos: a range is written like"),
        ("zero z0 pos=1:b", "pos: a range"), ("zero z0 pos=1:2,3", "pos: a range"), ("zero z0 head=,", "head: indices"),
        ("zero z0 head=99999999999999999999", "head: indices"),
        ("zero z0 0.5", "'zero' takes no value; received '0.5'"),
        ("zero z0 head=8 9", "received '9'"), ("set z0", "'set' takes a number or a .npy file"),
        ("set z0 nan", "NaN"), ("set z0 other.npy", "cannot read 'other.npy'"), ("scale z0", "'scale' takes a number"),
        ("scale z0 dir.npy", "'scale' takes a number"), ("patch z0", "from=RUN or from_text='TEXT'"),
        ("patch z0 from=a from_text=b", "from=RUN or"), ("patch z0 from=a from_prompt=-1", "numbered from 0"),
        ("patch z0 from=a with=1", "'with' means nothing to 'patch'"), ("swap z0", "with=1"),
        ("mean z0 over=a from=b", "not both"), ("zero z0 from=a", "'from' means nothing to 'zero'"),
        ("patch z0 from_text='A cat", "the quote ' is not closed"),
    ])
    func whatIsWrongIsShown(line: String, words: String) {
        let message = refusal(line)
        #expect(message?.contains(words) == true, "\(message ?? "accepted")")
        #expect(message?.hasPrefix("in the edit '") == true)
    }
}
