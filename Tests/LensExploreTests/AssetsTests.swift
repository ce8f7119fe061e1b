import Foundation
import LensExplore
import Testing

@Suite struct AssetsTests {
    /// The generated Swift is what the files in Assets give, hashes included.
    @Test func generatedFileIsCurrent() throws {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let check = Process()
        check.executableURL = package.appendingPathComponent("Sources/LensExplore/embed-assets.sh")
        check.arguments = ["--check"]
        try check.run()
        check.waitUntilExit()
        #expect(check.terminationStatus == 0, "run Sources/LensExplore/embed-assets.sh")
    }

    @Test func assetsCannotEndTheirElements() {
        #expect(!ExploreAssets.style.lowercased().holds("</style"))
        #expect(!ExploreAssets.script.lowercased().holds("</script"))
        #expect(!ExploreAssets.script.holds("<!--"))
        #expect(!ExploreAssets.script.holds("import ") && !ExploreAssets.script.holds("\nexport "))
    }

    @Test func assetsAskForNothingOutside() {
        for asset in [ExploreAssets.body, ExploreAssets.style, ExploreAssets.script] {
            #expect(!asset.holds("url(") && !asset.holds("@import"))
            #expect(!asset.replacingOccurrences(of: "http://www.w3.org/2000/svg", with: "").holds("://"))
        }
    }

    /// The one place that asks, and whom: the server's own calls.
    @Test func scriptAsksTheServersCallsOnly() {
        #expect(ExploreAssets.script.components(separatedBy: "fetch(").count == 2)
        #expect(ExploreAssets.script.holds("fetch(`/api/${name}`"))
        for way in ["XMLHttpRequest", "WebSocket", "EventSource", "sendBeacon", "importScripts"] {
            #expect(!ExploreAssets.script.holds(way))
        }
    }

    /// Only text is ever made of data: the script has no way to turn a string into markup or code.
    @Test func scriptNeverParsesMarkup() {
        for way in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function("] {
            #expect(!ExploreAssets.script.holds(way))
        }
    }
}

extension String {
    /// As `contains`, which takes a second for each look through the script.
    fileprivate func holds(_ part: String) -> Bool { range(of: part, options: .literal) != nil }
}
