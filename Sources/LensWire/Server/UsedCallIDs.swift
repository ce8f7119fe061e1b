/// The call ids that were used on a connection, kept as ranges: clients count, so there are few.
package struct UsedCallIDs {
    /// Sorted, apart from each other by at least one unused id.
    private var ranges: [ClosedRange<UInt32>] = []
    /// A client that scatters its ids has this many pieces at most.
    package static let maximumRanges = 4096

    package init() {}

    package var isFull: Bool { ranges.count >= Self.maximumRanges }

    package func contains(_ id: UInt32) -> Bool {
        let index = firstIndex(endingAtOrAfter: id)
        return index < ranges.count && ranges[index].contains(id)
    }

    /// Returns false where the id was used before.
    package mutating func insert(_ id: UInt32) -> Bool {
        let index = firstIndex(endingAtOrAfter: id)
        let joinsRight: Bool
        if index < ranges.count {
            if ranges[index].contains(id) { return false }
            joinsRight = ranges[index].lowerBound - 1 == id
        } else {
            joinsRight = false
        }
        let joinsLeft = index > 0 && ranges[index - 1].upperBound + 1 == id
        switch (joinsLeft, joinsRight) {
        case (true, true):
            ranges[index - 1] = ranges[index - 1].lowerBound...ranges[index].upperBound
            ranges.remove(at: index)
        case (true, false): ranges[index - 1] = ranges[index - 1].lowerBound...id
        case (false, true): ranges[index] = id...ranges[index].upperBound
        case (false, false): ranges.insert(id...id, at: index)
        }
        return true
    }

    private func firstIndex(endingAtOrAfter id: UInt32) -> Int {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < id { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
