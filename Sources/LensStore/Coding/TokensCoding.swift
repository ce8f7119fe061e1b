import FoundationEssentials
import LensCore

/// The tokens of a run in one blob: a version byte, then per prompt a count and that many ids, all little-endian Int32.
enum TokensCoding {
    private static let version: UInt8 = 1

    static func encode(_ prompts: [[Int32]]) -> Data {
        var bytes: [UInt8] = [version]
        bytes.reserveCapacity(1 + prompts.reduce(0) { $0 + 4 * ($1.count + 1) })
        for prompt in prompts {
            for value in CollectionOfOne(Int32(truncatingIfNeeded: prompt.count)) + prompt {
                withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
            }
        }
        return Data(bytes)
    }

    static func decode(_ data: Data) throws(LensError) -> [[Int32]] {
        guard data.first == version else {
            throw .dataLoss("stored tokens have format \(data.first.map(String.init) ?? "none"), expected \(version)")
        }
        guard data.count % 4 == 1 else {
            throw .dataLoss("stored tokens have \(data.count) bytes, expected a multiple of 4 and one more")
        }
        var values = stride(from: data.startIndex + 1, to: data.endIndex, by: 4).map { index in
            Int32(littleEndian: data[index..<index + 4].withUnsafeBytes { $0.loadUnaligned(as: Int32.self) })
        }[...]
        var prompts: [[Int32]] = []
        while let count = values.popFirst() {
            guard count >= 0, Int(count) <= values.count else {
                throw .dataLoss(
                    "stored prompt \(prompts.count) has length \(count), but \(values.count) tokens are left")
            }
            prompts.append(Array(values.prefix(Int(count))))
            values = values.dropFirst(Int(count))
        }
        return prompts
    }
}
