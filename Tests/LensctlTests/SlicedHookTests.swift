import LensCore
import Testing
import lensctl

@Suite struct SlicedHookTests {
    private func read(_ text: String, head: Int? = nil, pos: Int? = nil) throws -> (String, String?) {
        var points = [HookPoint(.embed)]
        for layer in 0..<2 { points += [.pattern, .z, .residPost].map { HookPoint($0, layer: layer) } }
        let hook = try SlicedHook(parsing: text, head: head, pos: pos, points: points)
        return (hook.hook, hook.slice?.description)
    }

    @Test func namesAndSlices() throws {
        #expect(try read("pattern0") == ("pattern0", nil))
        #expect(try read("blocks.0.attn.hook_pattern[3, :, ::2]") == ("blocks.0.attn.hook_pattern", "[3, :, ::2]"))
        #expect(try read("resid_post-1[..., -1]") == ("resid_post-1", "[..., -1]"))
    }

    @Test func headsAndPositionsFindTheirAxis() throws {
        #expect(try read("pattern0", head: 3) == ("pattern0", "[3, :, :]"))
        #expect(try read("pattern0", head: 3, pos: -1) == ("pattern0", "[3, -1, :]"))
        #expect(try read("blocks.1.attn.hook_z", head: -1) == ("blocks.1.attn.hook_z", "[:, -1, :]"))
        #expect(try read("resid_post-1", pos: 2) == ("resid_post-1", "[2, :]"))
        #expect(try read("embed", pos: 0) == ("embed", "[0, :]"))
    }

    @Test func aNameThatIsNoneIsLeftToTheDaemon() throws {
        #expect(try read("patern0", head: 3) == ("patern0", nil))
    }

    @Test(arguments: [
        ("resid_post0", Optional(3), Int?.none), ("pattern0[1]", 3, nil), ("pattern0[1]", nil, 3),
        ("pattern0[1", nil, nil),
        ("pattern0[]", nil, nil), ("pattern0[x]", nil, nil),
    ])
    func whatMakesNoSenseIsRefused(text: String, head: Int?, pos: Int?) {
        #expect { try read(text, head: head, pos: pos) } throws: { ($0 as? LensError)?.code == .invalidArgument }
    }
}
