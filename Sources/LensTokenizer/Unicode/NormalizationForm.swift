/// Unicode's normalisation forms, as the `tokenizers` library's version of Unicode has them (`unicode-tables.py`).
package enum NormalizationForm: String, Sendable, CaseIterable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"

    fileprivate var composes: Bool { self == .nfc || self == .nfkc }
    fileprivate var isCompatibility: Bool { self == .nfkc || self == .nfkd }

    /// How many times as long a text can become at most: U+FDFA has 3 bytes, and 33 in compatibility forms.
    var growth: Int { isCompatibility ? 11 : 3 }

    /// A text in this form.
    package func normalized(_ text: String) -> String {
        let bytes = ValidUTF8(text)
        return normalized(bytes, in: 0..<bytes.bytes.count).map { String(decoding: $0, as: UTF8.self) } ?? text
    }

    /// A part of a text in this form; `nil` where it is that already.
    func normalized(_ text: ValidUTF8, in range: Range<Int>) -> [UInt8]? {
        guard let beyond = text.bytes[range].firstIndex(where: { $0 >= 0x80 }) else { return nil }
        return rules.normalized(text, in: range, from: beyond > range.lowerBound ? beyond - 1 : beyond)
    }

    private var rules: NormalizationRules {
        switch self {
        case .nfc: NormalizationRules.nfc
        case .nfd: NormalizationRules.nfd
        case .nfkc: NormalizationRules.nfkc
        case .nfkd: NormalizationRules.nfkd
        }
    }
}

/// One form's tables and its algorithm: a text is cut into segments, each of which is normalised by itself, and most of
/// which are one character that stays as it is.
private struct NormalizationRules: Sendable {
    static let nfc = NormalizationRules(.nfc)
    static let nfd = NormalizationRules(.nfd)
    static let nfkc = NormalizationRules(.nfkc)
    static let nfkd = NormalizationRules(.nfkd)

    /// The bits of `properties`.
    private static let continuesSegment: UInt16 = 1
    private static let changesAlone: UInt16 = 2

    private let form: NormalizationForm
    private var properties: CharacterTable
    private let combiningClasses: CharacterTable
    private let decompositions: [UInt32: [UInt32]]
    /// The composed character by the first's code point above the second's.
    private let compositions: [UInt64: UInt32]

    private init(_ form: NormalizationForm) {
        var decompositions = Self.mapping(UnicodeTables.canonical)
        if form.isCompatibility { decompositions.merge(Self.mapping(UnicodeTables.compatibility)) { $1 } }
        let classes = CharacterTable(runs: UnicodeTables.combiningClasses)
        var compositions: [UInt64: UInt32] = [:]
        var continuing = classes
        if form.composes {
            var numbers = HexadecimalNumbers(UnicodeTables.compositions)
            while let first = numbers.next(), let second = numbers.next(), let composed = numbers.next() {
                compositions[UInt64(first) << 32 | UInt64(second)] = composed
                continuing.insert(1, at: second)
            }
            for jamo in Hangul.medials { continuing.insert(1, at: jamo) }
            for jamo in Hangul.finals { continuing.insert(1, at: jamo) }
        }
        self.form = form
        self.decompositions = decompositions
        self.compositions = compositions
        combiningClasses = classes

        // Every code point's bits, from runs of marks and from the single characters that decompose.
        var properties = CharacterTable()
        for code in 0..<UInt32(0x110000) where continuing[code] != 0 {
            properties.insert(Self.continuesSegment, at: code)
        }
        if !form.composes {
            properties.set(Int(Hangul.syllables.lowerBound)..<Int(Hangul.syllables.upperBound), to: Self.changesAlone)
        }
        self.properties = properties
        for (code, parts) in decompositions {
            guard let first = parts.first else { continue }
            if continuing[first] != 0 { properties.insert(Self.continuesSegment, at: code) }
            if !form.composes || composed(parts) != [code] { properties.insert(Self.changesAlone, at: code) }
        }
        self.properties = properties
    }

    private static func mapping(_ text: StaticString) -> [UInt32: [UInt32]] {
        var mapping: [UInt32: [UInt32]] = [:]
        var numbers = HexadecimalNumbers(text)
        var code: UInt32 = 0
        while let step = numbers.next(), let count = numbers.next() {
            code += step
            mapping[code] = numbers.next(Int(count))
        }
        return mapping
    }

    /// - Parameter start: where the first segment begins that may change.
    func normalized(_ text: ValidUTF8, in range: Range<Int>, from start: Int) -> [UInt8]? {
        var result: [UInt8] = []
        var copied = range.lowerBound
        var position = start
        while position < range.upperBound {
            let (first, length) = text.character(at: position)
            var end = position + length
            var codes: [UInt32] = []
            while end < range.upperBound {
                let (code, length) = text.character(at: end)
                guard properties[code] & Self.continuesSegment != 0 else { break }
                codes.append(code)
                end += length
            }
            if !codes.isEmpty || properties[first] & Self.changesAlone != 0 {
                result += text.bytes[copied..<position]
                codes.insert(first, at: 0)
                var decomposed = self.decomposed(codes)
                if form.composes { decomposed = composed(decomposed) }
                for code in decomposed { result += UTF8.encode(Unicode.Scalar(code) ?? "\u{FFFD}") ?? .init() }
                copied = end
            }
            position = end
        }
        guard copied > range.lowerBound else { return nil }
        return result + text.bytes[copied..<range.upperBound]
    }

    /// Decomposes in full and orders the marks.
    private func decomposed(_ codes: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        for code in codes {
            if let parts = decompositions[code] {
                result += parts
            } else if Hangul.syllables.contains(code) {
                result += Hangul.decomposed(code)
            } else {
                result.append(code)
            }
        }
        var start = 0
        while start < result.count {
            guard combiningClasses[result[start]] != 0 else {
                start += 1
                continue
            }
            var end = start
            while end < result.count, combiningClasses[result[end]] != 0 { end += 1 }
            if end - start > 1 {
                // By class, equals in their order.
                let ordered = result[start..<end].enumerated().sorted { left, right in
                    let classes = (combiningClasses[left.element], combiningClasses[right.element])
                    return classes.0 == classes.1 ? left.offset < right.offset : classes.0 < classes.1
                }
                result.replaceSubrange(start..<end, with: ordered.map(\.element))
            }
            start = end
        }
        return result
    }

    /// Composes what was decomposed: each mark with the starter before it, where nothing blocks it.
    private func composed(_ codes: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        var starter: Int?
        var last: UInt16 = 0
        for code in codes {
            let combiningClass = combiningClasses[code]
            if let starter, last == 0 || last < combiningClass, let pair = composed(result[starter], code) {
                result[starter] = pair
                continue
            }
            if combiningClass == 0 { starter = result.count }
            last = combiningClass
            result.append(code)
        }
        return result
    }

    private func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        Hangul.composed(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
    }
}

/// The syllables that are composed by arithmetic (Unicode, section 3.12).
private enum Hangul {
    static let syllables: Range<UInt32> = 0xAC00..<0xD7A4
    static let initials: Range<UInt32> = 0x1100..<0x1113
    static let medials: Range<UInt32> = 0x1161..<0x1176
    /// The first final is none, so it is no character.
    static let finals: Range<UInt32> = 0x11A8..<0x11C3

    static func decomposed(_ syllable: UInt32) -> [UInt32] {
        let index = syllable - syllables.lowerBound
        let parts = [initials.lowerBound + index / 588, medials.lowerBound + index % 588 / 28]
        return index % 28 == 0 ? parts : parts + [finals.lowerBound - 1 + index % 28]
    }

    static func composed(_ first: UInt32, _ second: UInt32) -> UInt32? {
        if initials.contains(first), medials.contains(second) {
            let medial = second - medials.lowerBound
            return syllables.lowerBound + ((first - initials.lowerBound) * 21 + medial) * 28
        }
        if syllables.contains(first), (first - syllables.lowerBound).isMultiple(of: 28), finals.contains(second) {
            return first + second - (finals.lowerBound - 1)
        }
        return nil
    }
}

extension HexadecimalNumbers {
    fileprivate mutating func next(_ count: Int) -> [UInt32] {
        (0..<count).compactMap { _ in next() }
    }
}
