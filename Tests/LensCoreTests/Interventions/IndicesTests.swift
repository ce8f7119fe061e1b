import LensCore
import Testing

@Suite struct IndicesTests {
    @Test(arguments: [
        ("3", 5, [3]), ("-1", 5, [4]), ("0,2", 5, [0, 2]), ("4,-5,", 5, [4, 0]), ("3,", 5, [3]), ("1:3", 5, [1, 2]),
        (":", 3, [0, 1, 2]), ("::2", 5, [0, 2, 4]), ("::-2", 5, [4, 2, 0]), ("-3:-1", 5, [2, 3]), ("2:99", 4, [2, 3]),
        ("-99:2", 4, [0, 1]), ("3:0:-1", 5, [3, 2, 1]),
    ])
    func choicesAreNumpys(text: String, count: Int, expected: [Int]) throws {
        let indices = try Indices(parsing: text)
        #expect(try indices.resolved(count: count, "head") == expected)
        #expect(try Indices(parsing: indices.description) == indices)
        #expect(indices.isDropped == !text.contains { $0 == "," || $0 == ":" })
    }

    @Test func whatIsNotThereIsRefused() {
        for (indices, words) in [
            (.index(5), "head must be in 0...4; received 5"), (.index(-6), "received -6"),
            (.index(.min), "received"), (.list([0, 5]), "received 5"), (.list([1, -4]), "once"),
            (.list([]), "at least one"),
            (.range(start: 5, stop: nil, step: 1), "head 5: chooses none of 5"),
            (.range(start: 2, stop: 2, step: 1), "chooses none"), (.range(start: nil, stop: nil, step: 0), "zero"),
        ] as [(Indices, String)] {
            #expect {
                try indices.resolved(count: 5, "head")
            } throws: { error in
                let error = error as? LensError
                return error?.code == .invalidArgument && error?.message.contains(words) == true
            }
        }
    }
}
