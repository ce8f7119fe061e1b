import Foundation
import LensReport
import Testing

@Suite struct AssetsTests {
    /// The generated Swift is what the files in Assets give, hashes included.
    @Test func generatedFileIsCurrent() throws {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let check = Process()
        check.executableURL = package.appendingPathComponent("Sources/LensReport/embed-assets.sh")
        check.arguments = ["--check"]
        try check.run()
        check.waitUntilExit()
        #expect(check.terminationStatus == 0, "run Sources/LensReport/embed-assets.sh")
    }

    @Test func assetsCannotEndTheirElements() {
        #expect(!AttentionAssets.style.lowercased().contains("</style"))
        #expect(!AttentionAssets.script.lowercased().contains("</script"))
        #expect(!AttentionAssets.script.contains("<!--"))
        #expect(!AttentionAssets.script.contains("import ") && !AttentionAssets.script.contains("\nexport "))
    }

    @Test func assetsAskForNothingOutside() {
        for asset in [AttentionAssets.body, AttentionAssets.style, AttentionAssets.script] {
            #expect(!asset.contains("url(") && !asset.contains("@import") && !asset.contains("fetch("))
            #expect(!asset.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").contains("://"))
        }
    }

    /// Only text is ever made of data: the script has no way to turn a string into markup or code.
    @Test func scriptNeverParsesMarkup() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
            #expect(!AttentionAssets.script.contains(way))
        }
    }
}
