/// A number for every code point: pages of 256, equal neighbours sharing one.
struct CharacterTable: Sendable {
    /// Which page holds a code point, by its upper bits.
    private var pages = [UInt16](repeating: 0, count: 0x1100)
    private var values = [UInt16](repeating: 0, count: 256)

    /// Zero for every code point.
    init() {}

    /// Reads `gap, length, value` of runs; zero between them.
    init(runs: StaticString) {
        var numbers = HexadecimalNumbers(runs)
        var code = 0
        while let gap = numbers.next(), let length = numbers.next(), let value = numbers.next() {
            code += Int(gap)
            set(code..<code + Int(length), to: UInt16(truncatingIfNeeded: value))
            code += Int(length)
        }
    }

    @inline(__always)
    subscript(code: UInt32) -> UInt16 {
        values[Int(pages[Int(code &>> 8)]) &<< 8 | Int(code & 0xFF)]
    }

    /// Sets bits of a code point's number.
    mutating func insert(_ bits: UInt16, at code: UInt32) {
        set(Int(code)..<Int(code) + 1, to: self[code] | bits)
    }

    /// Sets the numbers of a range of code points.
    mutating func set(_ range: Range<Int>, to value: UInt16) {
        var uniform: UInt16?
        var code = range.lowerBound
        while code < range.upperBound {
            let page = code >> 8
            let end = min(range.upperBound, (page + 1) << 8)
            if end - code == 256 {
                if uniform == nil {
                    uniform = addPage(Array(repeating: value, count: 256))
                    shared.insert(uniform ?? 0)
                }
                pages[page] = uniform ?? 0
            } else {
                let own = ownPage(page)
                for index in code..<end { values[own << 8 | index & 0xFF] = value }
            }
            code = end
        }
    }

    /// Pages that several places may point to; written only in a copy.
    private var shared: Set<UInt16> = [0]

    private mutating func ownPage(_ page: Int) -> Int {
        if shared.contains(pages[page]) {
            let start = Int(pages[page]) << 8
            pages[page] = addPage(Array(values[start..<start + 256]))
        }
        return Int(pages[page])
    }

    private mutating func addPage(_ page: [UInt16]) -> UInt16 {
        defer { values += page }
        return UInt16(truncatingIfNeeded: values.count >> 8)
    }
}

/// The numbers of a text of hexadecimal numbers with spaces between.
struct HexadecimalNumbers: Sequence, IteratorProtocol {
    private let text: StaticString
    private var position = 0

    init(_ text: StaticString) { self.text = text }

    mutating func next() -> UInt32? {
        let bytes = UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount)
        guard position < bytes.count else { return nil }
        var value: UInt32 = 0
        while position < bytes.count, bytes[position] != 0x20 {
            let digit = bytes[position]
            value = value &<< 4 | UInt32(digit & 15) &+ (digit >= 0x61 ? 9 : 0)
            position += 1
        }
        position += 1
        return value
    }
}
