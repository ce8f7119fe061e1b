import LensEngine
import Testing

@Suite struct GeneratedTextTests {
    /// Feeds pieces of bytes; gives what came out of each, the rest, and whether it stopped.
    private func feed(_ pieces: [[UInt8]], stops: [String] = []) -> (texts: [String], isStopped: Bool) {
        var text = GeneratedText(stops: stops)
        var texts: [String] = []
        for piece in pieces {
            let (new, isStopped) = text.append(piece)
            texts.append(new)
            if isStopped { return (texts, true) }
        }
        texts.append(text.finish())
        return (texts, false)
    }

    private func bytes(_ pieces: String...) -> [[UInt8]] { pieces.map { Array($0.utf8) } }

    @Test func unfinishedCharactersWait() {
        let balloon = Array("🎈".utf8)
        let pieces = [[UInt8(ascii: "a")], [balloon[0]], [balloon[1], balloon[2]], [balloon[3], UInt8(ascii: "b")]]
        #expect(feed(pieces).texts == ["a", "", "", "🎈b", ""])
        // What never becomes a character is one sign of replacement, at the end as in the middle.
        #expect(feed([[0xF0, 0x9F]]).texts == ["", "\u{FFFD}"])
        #expect(feed([[0xC3], [UInt8(ascii: "x")]]).texts.joined() == "\u{FFFD}x")
    }

    /// Cut anywhere, the pieces are what decoding the whole gives.
    @Test func piecesAreTheWhole() {
        var state: UInt64 = 9
        for _ in 0..<2000 {
            var all: [UInt8] = []
            var pieces: [[UInt8]] = []
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let choices = [
                    Array("é".utf8), Array("🎈".utf8), Array("한".utf8), [UInt8(truncatingIfNeeded: state >> 33)],
                ]
                let whole = choices[Int(state >> 60) % 4]
                let piece = Array(whole.prefix(Int(state >> 50) % 4 + 1))
                pieces.append(piece)
                all += piece
            }
            #expect(feed(pieces, stops: ["é한🎈é한🎈é한", "한한한한한!"]).texts.joined() == String(decoding: all, as: UTF8.self))
        }
    }

    @Test func stopStringsCutAcrossPieces() {
        #expect(feed(bytes("one", " t", "wo", " three"), stops: ["two"]) == (["one", " ", ""], true))
        #expect(feed(bytes("a\n", "\nb"), stops: ["\n\n"]) == (["a", ""], true))
        #expect(feed(bytes("stop"), stops: ["stop"]) == ([""], true))
        #expect(feed(bytes("xxstopyy"), stops: ["stop", "st"]) == (["xx"], true))
        // What only began to be one comes out as soon as it cannot be one any more.
        #expect(feed(bytes("ab", "a", "x"), stops: ["abc"]).texts == ["", "ab", "ax", ""])
        #expect(feed(bytes("aa", "a", "b"), stops: ["aab"]) == (["", "a", ""], true))
        // The first of several counts, wherever the token ends.
        #expect(feed(bytes("say one two"), stops: ["two", "one"]) == (["say "], true))
        #expect(feed([[0xC3], [0xA9, UInt8(ascii: "!")]], stops: ["é!"]) == (["", ""], true))
    }
}
