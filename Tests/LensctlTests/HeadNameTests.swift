import LensCore
import Testing
import lensctl

@Suite struct HeadNameTests {
    @Test(arguments: [("L0H3", 0, 3), ("l12h0", 12, 0), ("4.15", 4, 15)])
    func headsAreWrittenAsTheyAreShown(_ text: String, layer: Int, head: Int) {
        #expect(HeadName(argument: text)?.place == HeadPlace(layer: layer, head: head))
    }

    @Test(arguments: ["", "3", "L3", "H3", "0.", ".3", "0.-1", "0.+1", "L0H", "0.3.1", "0.99999999999", "L0H3x"])
    func othersAreNone(_ text: String) {
        #expect(HeadName(argument: text) == nil)
    }
}
