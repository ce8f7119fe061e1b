import LensTerminal
import Testing

@Suite struct StyledTextTests {
    private let direct = Terminal(colours: .direct, hasUnicode: true)

    @Test func paintAppearsOnlyWhereThereAreColours() {
        let text = StyledText("plain ") + StyledText("bold", .bold) + StyledText("red", Ink(Colour(255, 0, 0)))
        #expect(text.rendered(on: .plain) == "plain boldred")
        #expect(
            text.rendered(on: direct) == "plain \u{1B}[1mbold\u{1B}[0m\u{1B}[38;2;255;0;0mred\u{1B}[0m")
        #expect(
            text.rendered(on: Terminal(colours: .indexed)) == "plain \u{1B}[1mbold\u{1B}[0m\u{1B}[38;5;196mred\u{1B}[0m"
        )
    }

    @Test func spacesAtTheEndAreDroppedUnlessTheyArePainted() {
        #expect(StyledText("a").padded(to: 5).rendered(on: .plain) == "a")
        #expect((StyledText("a  ") + StyledText("  ", .bold)).rendered(on: direct) == "a")
        #expect(
            (StyledText("a") + StyledText(" ", Ink(on: Colour(0, 0, 0)))).rendered(on: direct).hasSuffix("m \u{1B}[0m"))
    }

    @Test func paddingCountsColumns() {
        #expect(StyledText("ab").padded(to: 4).plainText == "ab  ")
        #expect(StyledText("ab").padded(to: 4, .right).plainText == "  ab")
        #expect(StyledText("你").padded(to: 4).plainText == "你  ")
        #expect(StyledText("abcd").padded(to: 2).plainText == "abcd")
    }

    @Test(arguments: [
        ("", 0), ("abc", 3), ("é", 1), ("e\u{301}", 1), ("你好", 4), ("🙂", 2), ("👩‍👩‍👧", 2), ("▀·↵", 3), ("ｶ", 1),
    ])
    func widths(text: String, width: Int) {
        #expect(text.displayWidth == width)
    }

    @Test func truncationFitsAndShowsItself() {
        #expect("abcdef".truncated(to: 6, mark: "…") == "abcdef")
        #expect("abcdefg".truncated(to: 6, mark: "…") == "abcde…")
        #expect("你好你好".truncated(to: 6, mark: "…") == "你好…")
        #expect("abc".truncated(to: 0, mark: "…") == "")
    }

    @Test func greysAndColoursFindTheirIndex() {
        func index(_ red: UInt8, _ green: UInt8, _ blue: UInt8) -> String {
            StyledText("x", Ink(Colour(red, green, blue))).rendered(on: Terminal(colours: .indexed))
        }
        #expect(index(0, 0, 0).contains("38;5;16m"))
        #expect(index(255, 255, 255).contains("38;5;231m"))
        #expect(index(128, 128, 128).contains("38;5;244m"))
        #expect(index(95, 135, 215).contains("38;5;68m"))
    }
}
