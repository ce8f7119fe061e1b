import LensCore

/// Writes a safetensors file tensor by tensor: what is not finished leaves nothing behind.
///
/// The header ends at a multiple of 8 bytes, and tensors of wider elements come first, so that every element is
/// aligned, as the format's own writer does it.
public final class SafetensorsWriter {
    /// The order in which the tensors' bytes are to be written.
    public let tensors: [StoredTensor]

    private let file: PartialFile
    /// Bytes of tensors, in all and still to come.
    private let byteCount: Int
    private var missing: Int

    /// Makes the file, under another name, and writes the header.
    ///
    /// - Throws: `INVALID_ARGUMENT` for two tensors of one name or a size that overflows; `PERMISSION_DENIED`,
    ///   `NOT_FOUND` or `RESOURCE_EXHAUSTED` where the file cannot be written.
    public init(path: String, tensors: [StoredTensor]) throws(LensError) {
        let layout = try Layout(tensors)
        self.tensors = layout.tensors
        byteCount = layout.byteCount
        missing = layout.byteCount
        file = try PartialFile(path: path)
        try file.write(layout.header)
    }

    /// Adds bytes of the tensors, row-major and little-endian, in the order of `tensors`.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where the disk is full.
    public func write(_ bytes: UnsafeRawBufferPointer) throws(LensError) {
        guard bytes.count <= missing else {
            throw LensError(.internal, "\(byteCount) bytes of tensors were announced; there are more")
        }
        missing -= bytes.count
        try file.write(bytes)
    }

    /// Brings the file to the disk and gives it its name, in place of one that has it.
    ///
    /// - Throws: `RESOURCE_EXHAUSTED` where the disk is full.
    public func finish() throws(LensError) {
        guard missing == 0 else {
            throw LensError(.internal, "\(byteCount) bytes of tensors were announced; \(missing) are missing")
        }
        try file.finish()
    }

    /// A whole file in memory.
    ///
    /// - Parameter values: the bytes of each of `tensors`, row-major and little-endian.
    /// - Throws: `INVALID_ARGUMENT` as the initialiser; `INTERNAL` for bytes that do not fit a tensor.
    public static func file(
        of tensors: [StoredTensor], _ values: (StoredTensor) throws(LensError) -> [UInt8]
    ) throws(LensError) -> [UInt8] {
        let layout = try Layout(tensors)
        var bytes = layout.header
        bytes.reserveCapacity(bytes.count + layout.byteCount)
        for tensor in layout.tensors {
            let found = try values(tensor)
            guard found.count == tensor.byteCount else {
                throw LensError(.internal, "tensor '\(tensor.name)' has \(found.count) bytes")
            }
            bytes += found
        }
        return bytes
    }

    /// The order of tensors and the header that says so.
    private struct Layout {
        let tensors: [StoredTensor]
        /// The file's beginning, its length in front.
        let header: [UInt8]
        /// Of the tensors in all.
        let byteCount: Int

        init(_ tensors: [StoredTensor]) throws(LensError) {
            // Stable: equal widths stay in the order that was given.
            let sorted = tensors.enumerated().sorted { first, second in
                (-first.element.elementType.size, first.offset) < (-second.element.elementType.size, second.offset)
            }.map(\.element)
            var header = #"{"__metadata__":{"format":"pt"}"#
            var end = 0
            var names: Set<String> = ["__metadata__"]
            for tensor in sorted {
                guard names.insert(tensor.name).inserted else {
                    throw .invalidArgument("two tensors would be named '\(tensor.name)'")
                }
                guard let count = tensor.byteCount, !end.addingReportingOverflow(count).overflow else {
                    throw .invalidArgument("tensor '\(tensor.name)' has a shape \(tensor.shape) that overflows")
                }
                let shape = tensor.shape.map(String.init).joined(separator: ",")
                header += ",\(SafetensorsWriter.quoted(tensor.name)):{\"dtype\":\"\(tensor.elementType.rawValue)\","
                header += "\"shape\":[\(shape)],\"data_offsets\":[\(end),\(end + count)]}"
                end += count
            }
            header += "}"
            var bytes = Array(header.utf8)
            bytes += [UInt8](repeating: UInt8(ascii: " "), count: (8 - bytes.count % 8) % 8)
            guard bytes.count <= SafetensorsHeader.lengthLimit else {
                throw .invalidArgument(
                    "a header may have at most \(SafetensorsHeader.lengthLimit) bytes; these tensors need \(bytes.count)"
                )
            }
            self.tensors = sorted
            self.header = withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { Array($0) } + bytes
            byteCount = end
        }
    }

    private static func quoted(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }
}
