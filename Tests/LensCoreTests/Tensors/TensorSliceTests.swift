import LensCore
import Testing

/// Slices against NumPy's basic indexing.
@Suite struct TensorSliceTests {
    /// The elements that a slice takes of `arange(n)`, and whether the axis stays.
    func take(_ text: String, of size: Int) throws -> [Int] {
        let axis = try #require(try TensorSlice(parsing: text).resolved(against: [size]).first)
        return (0..<axis.count).map { axis.start + $0 * axis.step }
    }

    /// Expected values are NumPy's, `np.arange(size)[…]`.
    @Test(arguments: [
        ("[:]", 5, [0, 1, 2, 3, 4]), ("[1:4]", 5, [1, 2, 3]), ("[-2:]", 5, [3, 4]), ("[::2]", 5, [0, 2, 4]),
        ("[::-1]", 5, [4, 3, 2, 1, 0]), ("[4:1:-2]", 5, [4, 2]), ("[10:]", 5, []), ("[-10:2]", 5, [0, 1]),
        ("[3:1]", 5, []), ("[-1::-3]", 7, [6, 3, 0]), ("[:-10:-1]", 3, [2, 1, 0]), ("[2]", 5, [2]), ("[-1]", 5, [4]),
        ("[...]", 3, [0, 1, 2]), ("[0:100:99]", 100, [0, 99]), ("[::1000]", 5, [0]), ("[:]", 0, []),
        ("1:3", 5, [1, 2]),
        ("[ 1 : 3 ]", 5, [1, 2]),
    ])
    func slicesTakeWhatNumPyTakes(text: String, size: Int, expected: [Int]) throws {
        #expect(try take(text, of: size) == expected)
    }

    @Test func integersDropTheirAxisAndTheRestStays() throws {
        let axes = try TensorSlice(parsing: "[3, ..., -1]").resolved(against: [4, 5, 6, 7])
        #expect(axes.map(\.isDropped) == [true, false, false, true])
        #expect(axes.map(\.count) == [1, 5, 6, 1])
        let short = try TensorSlice(parsing: "[:, 2]").resolved(against: [4, 5, 6])
        #expect(short.map(\.count) == [4, 1, 6])
    }

    @Test(arguments: [
        "[5]", "[-6]", "[::0]", "[0, 0]", "[..., ...]", "[]", "", "[a]", "[1.5]", "[1:2:3:4]", "[1,,2]",
        "[99999999999999999999]", "[[0]]", "[0",
    ])
    func whatIsNoSliceIsRefused(text: String) {
        let error = #expect(throws: LensError.self) {
            _ = try TensorSlice(parsing: text).resolved(against: [5])
        }
        #expect(error?.code == .invalidArgument)
    }

    /// Extremes of what the wire can carry do not trap.
    @Test func extremesDoNotTrap() throws {
        for value in [Int.min, Int.max, 0, -1] {
            for step in [Int.min, Int.max, 1, -1] {
                let slice = TensorSlice([.range(start: value, stop: value, step: step)])
                _ = try slice.resolved(against: [5])
                _ = try TensorSlice([.range(start: nil, stop: value, step: step)]).resolved(against: [0])
                _ = try TensorSlice([.range(start: value, stop: nil, step: step)]).resolved(against: [1000])
            }
            #expect(throws: LensError.self) { _ = try TensorSlice([.index(value)]).resolved(against: [0]) }
        }
    }

    @Test func descriptionsReadBack() throws {
        for text in ["[3, :, ::2]", "[-1]", "[1:4, ..., 2:3:-1]"] {
            let slice = try TensorSlice(parsing: text)
            #expect(slice.description == text)
            #expect(try TensorSlice(parsing: slice.description) == slice)
        }
    }
}
