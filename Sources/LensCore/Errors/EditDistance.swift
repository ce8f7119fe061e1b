/// How many bytes have to be put in, left out or changed to make one text of the other (Levenshtein): names that are
/// near to a wrong one are offered instead of it.
package func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var previous = Array(0...right.count)
    for (i, byte) in left.enumerated() {
        var current = [i + 1]
        for (j, other) in right.enumerated() {
            current.append(min(previous[j] + (byte == other ? 0 : 1), previous[j + 1] + 1, current[j] + 1))
        }
        previous = current
    }
    return previous[right.count]
}
