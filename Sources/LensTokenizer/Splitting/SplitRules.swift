/// How a family's pattern splits text into words, as rules that `WordScanner` follows.
///
/// All the patterns try the same alternatives in the same order: a contraction, letters, numbers, anything else, line
/// ends, white space. They differ in what belongs to each.
struct SplitRules: Sendable, Equatable {
    /// `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll`, `'d`
    enum Contractions: Sendable {
        /// Not known to the pattern.
        case none
        /// Words of their own, in lower case only.
        case lowercase
        /// Words of their own in either case: `(?i:…)`, for which `ſ` is an `s`.
        case anyCase
        /// In either case, the end of the word before.
        case endOfWord
    }

    enum Letters: Sendable {
        /// ` ?\p{L}+`
        case afterSpace
        /// `[^\r\n\p{L}\p{N}]?\p{L}+`
        case afterAny
        /// `[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`
        case withMarksAfterAny
        /// As many upper-case letters as there are, then lower-case ones; a capital behind these begins a new word:
        /// `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`, else the same with `+` and `*`
        case byCaseAfterAny
    }

    enum Numbers: Sendable, Equatable {
        /// ` ?\p{N}+`
        case afterSpace
        /// `\p{N}{1,most}`
        case upTo(Int)
    }

    /// What may follow ` ?[^\s\p{L}\p{N}]+`.
    enum Ending: Sendable {
        case none
        /// `[\r\n]*`
        case lineEnds
        /// `[\r\n/]*`
        case lineEndsAndSlashes
    }

    let contractions: Contractions
    let letters: Letters
    let numbers: Numbers
    let ending: Ending
    /// Whether `\s*[\r\n]+` comes before `\s+(?!\S)|\s+`.
    let cutsAfterLineEnds: Bool

    static let gpt2 = SplitRules(
        contractions: .lowercase, letters: .afterSpace, numbers: .afterSpace, ending: .none, cutsAfterLineEnds: false)

    static func gpt4(numbers most: Int, letters: Letters = .afterAny) -> SplitRules {
        SplitRules(
            contractions: .anyCase, letters: letters, numbers: .upTo(most), ending: .lineEnds, cutsAfterLineEnds: true)
    }

    static func gpt4o(_ contractions: Contractions, numbers most: Int) -> SplitRules {
        SplitRules(
            contractions: contractions, letters: .byCaseAfterAny, numbers: .upTo(most), ending: .lineEndsAndSlashes,
            cutsAfterLineEnds: true)
    }
}
