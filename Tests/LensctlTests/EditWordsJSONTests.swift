import LensCore
import Testing
import lensctl

@Suite struct EditWordsJSONTests {
    private func refusal(_ text: String) -> String? {
        do throws(LensError) {
            _ = try EditWords.list(json: text, name: "edits.json")
            return nil
        } catch {
            return error.code == .invalidArgument ? error.message : nil
        }
    }

    @Test func objectsHaveTheWordsOfTheCommandLine() throws {
        let found = try EditWords.list(
            json: """
                [{"action": "zero", "hook": "z", "layer": [0, 2], "head": 8},
                 {"hook": "resid_pre0", "action": "set", "value": [[1, 2.5], [3, 4]], "pos": "-2:"},
                 {"action": "add", "hook": "resid_pre0", "value": "dir.npy", "head": [3]},
                 {"action": "scale", "hook": "z0", "value": 0.5},
                 {"action": "patch", "hook": "z0", "from": "0123", "from_prompt": 1, "from_pos": [4, 2]}]
                """, name: "edits.json")
        #expect(try found[0] == EditWords(parsing: "zero z layer=0,2 head=8"))
        #expect(
            try found[1]
                == EditWords(
                    action: "set", hook: "resid_pre0", value: .array(Operand(shape: [2, 2], values: [1, 2.5, 3, 4])),
                    words: [.pos: "-2:"]))
        #expect(try found[2] == EditWords(parsing: "add resid_pre0 dir.npy head=3,"))
        #expect(try found[3] == EditWords(parsing: "scale z0 0.5"))
        #expect(try found[4] == EditWords(parsing: "patch z0 from=0123 from_prompt=1 from_pos=4,2"))
    }

    @Test func whatIsWrittenIsReadAgain() throws {
        let lines = [
            "zero z layer=0,2 head=8", "set resid_pre0 dir.npy pos=-1", "scale z0 0.5 pos=1:9:2",
            "mask pattern0 source=0,",
            "patch z0 from=0123 from_prompt=1", "patch z0 from_text='A cat' head=::-1", "mean z0 over=corpus.txt",
            "swap z0 with=1 prompt=0",
        ]
        let edits = try lines.map { try EditWords(parsing: $0) }
        let text = JSON.array(edits.map(JSON.edit)).text
        #expect(try EditWords.list(json: text, name: "again") == edits)
        #expect(
            JSON.edit(edits[0]).text == #"{"action":"zero","hook":"z","layer":[0,2],"head":8}"#)
        let array = EditWords(
            action: "add", hook: "z0", value: .array(try Operand(shape: [1, 2], values: [1, 2])))
        #expect(try EditWords.list(json: JSON.array([.edit(array)]).text, name: "again") == [array])
    }

    @Test func whatIsWrongIsNamed() {
        for text in ["", "{}", "[1]", "[null]", #"[{"action": true}]"#] {
            #expect(refusal(text)?.contains("JSON array of edits") == true, "\(text)")
        }
        #expect(refusal(#"[{"action": "zero"}]"#) == #"edit 1 of 'edits.json': expected a string "hook""#)
        let good = #"{"action": "zero", "hook": "z0"}"#
        #expect(
            refusal("[\(good), {\"action\": \"zero\", \"hook\": \"z0\", \"haed\": 8}]")?
                .hasPrefix(#"edit 2 of 'edits.json': "haed" is no word of an edit; expected action"#) == true)
        #expect(refusal(#"[{"action": "zero", "hook": "z0", "head": 0.5}]"#)?.contains(#""head" is an index"#) == true)
        #expect(refusal(#"[{"action": "set", "hook": "z0", "value": [[1], [2, 3]]}]"#)?.contains("equal") == true)
        #expect(refusal(#"[{"action": "set", "hook": "z0", "value": [["x"]]}]"#)?.contains("nested lists") == true)
        #expect(refusal(#"[{"action": "set", "hook": "z0", "value": []}]"#) != nil)
    }
}
