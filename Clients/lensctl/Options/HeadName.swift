import ArgumentParser
import LensCore

/// A head as it is written at the shell: `L0H3`, as lensctl shows it, or `0.3`.
package struct HeadName: ExpressibleByArgument {
    package let place: HeadPlace

    package init?(argument: String) {
        let text = argument.lowercased()
        let parts =
            text.hasPrefix("l")
            ? text.dropFirst().split(separator: "h", maxSplits: 1, omittingEmptySubsequences: false)
            : text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let layer = Self.number(parts[0]), let head = Self.number(parts[1]) else { return nil }
        place = HeadPlace(layer: layer, head: head)
    }

    private static func number(_ text: Substring) -> Int? {
        // No sign, and nothing that does not fit a request.
        guard let first = text.utf8.first, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return nil }
        return UInt32(text).map { Int($0) }
    }
}

extension HeadPlace {
    var label: String { "L\(layer)H\(head)" }
}
