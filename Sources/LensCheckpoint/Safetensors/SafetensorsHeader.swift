import LensCore

/// The header of a safetensors file, checked: its tensors cover the data without a gap and without touching twice.
///
/// The format: 8 bytes of header length, the header in JSON, the tensors' bytes. Written after the description at
/// github.com/huggingface/safetensors and as strict as its own reader, with bounds on rank and number of tensors.
public struct SafetensorsHeader: Sendable {
    /// In the order of their bytes.
    public let tensors: [TensorInfo]

    /// The longest header in bytes: that of a hundred thousand tensors. The format allows 100 MB, all to be kept and read
    /// before anything is known about it.
    static let lengthLimit = 32_000_000
    static let rankLimit = 8
    static let tensorLimit = 100_000

    /// Reads a header.
    ///
    /// - Parameters:
    ///   - bytes: the JSON text, without its length.
    ///   - file: the name for errors.
    ///   - data: where the tensors' bytes stand in the file.
    /// - Throws: `INVALID_ARGUMENT` naming the file and the tensor.
    init(parsing bytes: [UInt8], file: String, data: Range<Int>) throws(LensError) {
        guard bytes.first == UInt8(ascii: "{") else {
            throw .invalidArgument("\(file): the header must begin with '{'; this is no safetensors file")
        }
        var tensors: [TensorInfo] = []
        var names: Set<String> = []
        let header = try JSONValue(parsing: bytes, file: file)
        try header.forEachMember { name, value throws(LensError) in
            guard names.insert(name).inserted else { throw Self.error(file, name, "is in the header twice") }
            if name == "__metadata__" {
                // Notes that nothing here reads.
                try value.forEachMember { _, note throws(LensError) in
                    guard note.kind == .string else { throw note.error("must be a string in __metadata__") }
                }
            } else {
                guard tensors.count < Self.tensorLimit else {
                    throw .invalidArgument("\(file): a file may hold at most \(Self.tensorLimit) tensors; it has more")
                }
                tensors.append(try Self.tensor(name, value, file: file, data: data))
            }
        }
        tensors.sort {
            ($0.byteRange.lowerBound, $0.byteRange.upperBound) < ($1.byteRange.lowerBound, $1.byteRange.upperBound)
        }
        try Self.checkCover(tensors, file: file, data: data)
        self.tensors = tensors
    }

    private static func tensor(
        _ name: String, _ value: JSONValue, file: String, data: Range<Int>
    ) throws(LensError) -> TensorInfo {
        guard value.kind == .object else {
            throw error(file, name, "must be an object in the header; found \(value.kind.rawValue)")
        }
        var fields: [String: JSONValue] = [:]
        try value.forEachMember { key, field throws(LensError) in
            guard ["dtype", "shape", "data_offsets"].contains(key) else {
                throw error(file, name, "must have dtype, shape and data_offsets in the header; found '\(key)'")
            }
            guard fields.updateValue(field, forKey: key) == nil else {
                throw error(file, name, "has '\(key)' twice in the header")
            }
        }
        func field(_ key: String) throws(LensError) -> JSONValue {
            guard let field = fields[key] else { throw error(file, name, "lacks '\(key)' in the header") }
            return field
        }
        let typeField = try field("dtype")
        guard typeField.kind == .string else {
            throw error(file, name, "must have a string as dtype; found \(typeField.kind.rawValue)")
        }
        guard let type = StoredType(rawValue: try typeField.string()) else {
            throw error(file, name, "has an unknown dtype '\(try typeField.excerpt())'")
        }
        let shape = try integers(field("shape"), file: file, tensor: name, limit: rankLimit)
        var byteCount = type.size
        for size in shape {
            let (product, overflow) = byteCount.multipliedReportingOverflow(by: size)
            guard !overflow else { throw error(file, name, "has a shape \(shape) that overflows") }
            byteCount = product
        }
        let offsets = try integers(field("data_offsets"), file: file, tensor: name, limit: 2)
        guard offsets.count == 2, offsets[0] <= offsets[1] else {
            throw error(file, name, "must have data_offsets [begin, end] with begin <= end; found \(offsets)")
        }
        guard offsets[1] <= data.count else {
            throw error(file, name, "has data_offsets \(offsets), but the file has only \(data.count) bytes of data")
        }
        guard offsets[1] - offsets[0] == byteCount else {
            throw error(
                file, name,
                "of type \(type.rawValue) and shape \(shape) must have \(byteCount) bytes; data_offsets are \(offsets)"
            )
        }
        let range = data.lowerBound + offsets[0]..<data.lowerBound + offsets[1]
        return TensorInfo(name: name, elementType: type, shape: shape, byteRange: range)
    }

    private static func integers(
        _ value: JSONValue, file: String, tensor: String, limit: Int
    ) throws(LensError) -> [Int] {
        guard value.kind == .array else {
            throw error(file, tensor, "must have an array as \(value.name); found \(value.kind.rawValue)")
        }
        var integers: [Int] = []
        try value.forEachElement { element throws(LensError) in
            guard integers.count < limit else {
                throw error(file, tensor, "may have at most \(limit) numbers in \(value.name)")
            }
            do throws(LensError) {
                integers.append(try element.integer(in: 0...Int.max))
            } catch {
                throw .invalidArgument("\(error.message) (tensor '\(tensor)')")
            }
        }
        return integers
    }

    private static func checkCover(_ tensors: [TensorInfo], file: String, data: Range<Int>) throws(LensError) {
        var end = data.lowerBound
        var previous = "the header"
        for tensor in tensors {
            guard tensor.byteRange.lowerBound >= end else {
                throw error(file, tensor.name, "overlaps \(previous) by \(end - tensor.byteRange.lowerBound) bytes")
            }
            guard tensor.byteRange.lowerBound == end else {
                throw error(file, tensor.name, "stands \(tensor.byteRange.lowerBound - end) bytes after \(previous)")
            }
            end = tensor.byteRange.upperBound
            previous = "tensor '\(tensor.name)'"
        }
        guard end == data.upperBound else {
            throw .invalidArgument(
                "\(file) has \(data.upperBound - end) bytes after \(previous) that belong to no tensor")
        }
    }

    private static func error(_ file: String, _ tensor: String, _ message: String) -> LensError {
        .invalidArgument("\(file): tensor '\(tensor)' \(message)")
    }
}
