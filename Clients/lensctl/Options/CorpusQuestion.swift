import ArgumentParser

/// What an analysis of a corpus asks, as `python -m lensd.corpus` takes it, which refuses what another one's options are.
struct CorpusQuestion: ParsableArguments {
    @Option(help: ArgumentHelp("ablation, head-kinds: zero or mean. Default: zero.", valueName: "kind"))
    var kind: String?
    @Option(help: ArgumentHelp("ablation, patching, reduction: the hook point, as z.", valueName: "name"))
    var hook: String?
    @Option(
        help: ArgumentHelp(
            "ablation, patching: the axes of the sweep. Default: layer,head of an ablation, layer,pos of patching.",
            valueName: "axes"))
    var over: String?
    @Option(
        help: ArgumentHelp(
            "ablation, patching: loss, kl, logit, prob or logit_diff. Default: loss of an ablation, else logit_diff.",
            valueName: "metric"))
    var metric: String?
    @Option(
        help: ArgumentHelp(
            "reduction: entropy, norm, mean, max, diagonal, diagonal_mean or top.", valueName: "reduction"))
    var to: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("reduction: of a diagonal, source minus destination.", valueName: "n"))
    var offset: Int?
    @Option(help: ArgumentHelp("reduction, attribution: how many of the largest. Default: 10.", valueName: "n"))
    var count: Int?
    @Option(
        help: ArgumentHelp("attribution: layer, head, neuron or accumulated. Default: layer.", valueName: "detail"))
    var by: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "attribution, metrics: the token. Default: the line's \"answer\"; of an attribution else the likeliest.",
            valueName: "token"))
    var answer: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("attribution, metrics: the token whose logit is taken off.", valueName: "token"))
    var wrong: String?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp(
            "lens, attribution: one position. Default: all of a lens, the last of an attribution.",
            valueName: "position"))
    var pos: Int?
    @Flag(help: "lens, attribution: look between attention and MLP too.") var mid = false
    @Option(help: ArgumentHelp("why: the layer of the head that attends.", valueName: "layer")) var layer: Int?
    @Option(help: ArgumentHelp("why: the head.", valueName: "head")) var head: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("why: the position that attends. Default: the last.", valueName: "position"))
    var dest: Int?
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("why: the position that is attended to. Default: each.", valueName: "position"))
    var source: Int?
    @Option(help: ArgumentHelp("why: groups, layers or components. Default: groups.", valueName: "detail"))
    var detail: String?
    @Flag(help: "why: take each term's mean over the sources off.") var relative = false
    @Option(help: ArgumentHelp("detection: mul or abs. Default: mul.", valueName: "measure")) var measure: String?
    @Flag(help: "detection: leave the first position out.") var excludeBos = false
    @Flag(help: "detection: leave attention to itself out.") var excludeCurrent = false

    /// Those that were given.
    var arguments: [String] {
        let texts = [
            ("kind", kind), ("hook", hook), ("to", to), ("by", by), ("answer", answer), ("wrong", wrong),
            ("detail", detail), ("measure", measure), ("over", over), ("metric", metric),
        ]
        let numbers = [
            ("offset", offset), ("count", count), ("pos", pos), ("layer", layer), ("head", head), ("dest", dest),
            ("source", source),
        ]
        let flags = [
            ("mid", mid), ("relative", relative), ("exclude-bos", excludeBos), ("exclude-current", excludeCurrent),
        ]
        return texts.compactMap { name, value in value.map { "--\(name)=\($0)" } }
            + numbers.compactMap { name, value in value.map { "--\(name)=\($0)" } }
            + flags.compactMap { name, isSet in isSet ? "--\(name)" : nil }
    }
}
