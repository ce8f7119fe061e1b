import Foundation
import LensReport
import Testing

/// Writes pages for the browser tests into the folder that `LENS_TEST_PAGES` names.
@Suite(.enabled(if: ProcessInfo.processInfo.environment["LENS_TEST_PAGES"] != nil))
struct PageWriting {
    static let pages: [(String, SamplePage)] = [
        ("story", SamplePage()),
        ("deep", SamplePage(layers: 12, heads: 12, texts: SamplePage.story(128))),
        ("plain", SamplePage(heads: 4, texts: SamplePage.story(9), hasAblation: false)),
        ("single", SamplePage(heads: 2, texts: ["a"])),
        ("long", SamplePage(layers: 2, heads: 4, texts: SamplePage.story(512))),
        ("nasty", SamplePage(heads: 8, texts: AttentionPageTests.nasty, title: AttentionPageTests.nasty.joined())),
    ]

    @Test(arguments: pages.indices)
    func write(index: Int) throws {
        let folder = try #require(ProcessInfo.processInfo.environment["LENS_TEST_PAGES"])
        let (name, sample) = Self.pages[index]
        let file = URL(fileURLWithPath: folder).appendingPathComponent("\(name).html")
        try Data(sample.make().html().utf8).write(to: file)
    }
}
