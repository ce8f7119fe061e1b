/// Indices as people write them: `3`, `0,2`, `1:5`, `::-2`; a list of one ends with a comma.
extension Indices {
    /// - Throws: `INVALID_ARGUMENT` that shows what could not be read.
    public init(parsing text: String) throws(LensError) {
        let parts = text.split(separator: ",", omittingEmptySubsequences: false)
        if text.contains(":") {
            guard parts.count == 1, case .range(let start, let stop, let step)? = Self.range(text), step != 0 else {
                throw .invalidArgument("a range is written like 2:5, ::2 or -3:; received '\(text)'")
            }
            self = .range(start: start, stop: stop, step: step)
            return
        }
        var numbers: [Int] = []
        for part in parts.last == "" ? parts.dropLast() : parts[...] {
            guard let number = Self.integer(part) else {
                throw .invalidArgument("indices are written like 3, 0,2 or 2:5; received '\(text)'")
            }
            numbers.append(number)
        }
        guard let first = numbers.first else {
            throw .invalidArgument("indices are written like 3, 0,2 or 2:5; received '\(text)'")
        }
        self = parts.count == 1 ? .index(first) : .list(numbers)
    }

    private static func range(_ text: String) -> Indices? {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard (2...3).contains(parts.count) else { return nil }
        var numbers: [Int?] = []
        for part in parts {
            let number = integer(part)
            guard part.isEmpty || number != nil else { return nil }
            numbers.append(number)
        }
        return .range(start: numbers[0], stop: numbers[1], step: (numbers.count == 3 ? numbers[2] : nil) ?? 1)
    }

    /// A decimal integer that leaves room for arithmetic with sizes.
    private static func integer(_ text: Substring) -> Int? {
        Int(text).flatMap { $0.magnitude <= 1 << 48 ? $0 : nil }
    }
}
