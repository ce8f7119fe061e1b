import FoundationEssentials
import LensCore

/// Where values are written to: Base64 of little-endian bytes in the database, numbers that people can read in files.
enum NumberSpelling {
    static let key = CodingUserInfoKey(rawValue: "lensd.plain-numbers")

    static func isPlain(_ info: [CodingUserInfoKey: Any]) -> Bool {
        key.flatMap { info[$0] as? Bool } ?? false
    }
}

/// Float64 values, every bit of which comes back in either spelling but the payload of a NaN.
struct StoredNumbers: Codable {
    var values: [Double]

    init(_ values: [Double]) {
        self.values = values
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if NumberSpelling.isPlain(decoder.userInfo) {
            values = try container.decode([Double].self)
        } else {
            let bytes = [UInt8](try container.decode(Data.self))
            values = bytes.withUnsafeBytes { raw in
                (0..<bytes.count / 8).map { index in
                    Double(
                        bitPattern: UInt64(
                            littleEndian: raw.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)))
                }
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if NumberSpelling.isPlain(encoder.userInfo) {
            try container.encode(values)
        } else {
            try container.encode(values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
        }
    }
}

/// Float32 values, likewise.
struct StoredFloats: Codable {
    var values: [Float]

    init(_ values: [Float]) {
        self.values = values
    }

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if NumberSpelling.isPlain(decoder.userInfo) {
            values = try container.decode([Float].self)
        } else {
            let bytes = [UInt8](try container.decode(Data.self))
            values = bytes.withUnsafeBytes { raw in
                (0..<bytes.count / 4).map { index in
                    Float(
                        bitPattern: UInt32(
                            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * index, as: UInt32.self)))
                }
            }
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        if NumberSpelling.isPlain(encoder.userInfo) {
            try container.encode(values)
        } else {
            try container.encode(values.map(\.bitPattern.littleEndian).withUnsafeBytes { Data($0) })
        }
    }
}
