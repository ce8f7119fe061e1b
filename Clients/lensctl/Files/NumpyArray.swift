import LensCore

/// An array from a `.npy` file: numbers in C order, as `numpy.save` writes them.
package struct NumpyArray {
    package let shape: [Int]
    /// Row-major.
    package let values: [Float]

    /// What a request can carry of values, in bytes of float32.
    private static let largestOperand = (1 << 20) - (1 << 16)

    /// - Throws: `INVALID_ARGUMENT` for a file that cannot be read or is none of these.
    package init(at path: String) throws(LensError) {
        // Of float64, with the header.
        try self.init(TextFile.bytes(at: path, limit: 2 * Self.largestOperand + (1 << 16)), name: path)
    }

    /// - Throws: `INVALID_ARGUMENT` that says what the file holds instead.
    package init(_ bytes: [UInt8], name: String) throws(LensError) {
        func refuse(_ message: String) -> LensError { .invalidArgument("'\(name)' \(message)") }
        guard bytes.count >= 12, bytes.starts(with: [0x93] + Array("NUMPY".utf8)) else {
            throw refuse("is no .npy file as numpy.save writes it")
        }
        // Version 1 has two bytes of length, the later ones four.
        let isFirst = bytes[6] == 1
        let length = (isFirst ? bytes[8..<10] : bytes[8..<12]).reversed().reduce(0) { $0 << 8 | Int($1) }
        let start = (isFirst ? 10 : 12) + length
        guard (1...3).contains(bytes[6]), start <= bytes.count else { throw refuse("has a damaged .npy header") }
        let header = String(decoding: bytes[(isFirst ? 10 : 12)..<start], as: UTF8.self)
        guard let type = header.value(of: "descr").flatMap({ $0.between("'", "'") }),
            let order = header.value(of: "fortran_order"),
            let sizes = header.value(of: "shape").flatMap({ $0.between("(", ")") })
        else { throw refuse("has a damaged .npy header") }
        guard !order.hasPrefix("True") else {
            throw refuse("is in Fortran order; save numpy.ascontiguousarray(array)")
        }
        var shape: [Int] = []
        for size in sizes.split(whereSeparator: { $0 == "," || $0 == " " }) {
            guard let size = Int(size), (0...1 << 32).contains(size) else { throw refuse("has a damaged .npy header") }
            shape.append(size)
        }
        let data = bytes[start...]
        switch type {
        case "<f4": values = data.numbers { Float(bitPattern: $0) }
        case "<f8": values = data.numbers { (bits: UInt64) in Float(Double(bitPattern: bits)) }
        case "<i4": values = data.numbers { Float(Int32(bitPattern: $0)) }
        case "<i8": values = data.numbers { Float(Int64(bitPattern: $0)) }
        default: throw refuse("holds values of type '\(type)'; expected float32 or float64 ('<f4', '<f8')")
        }
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard !overflow else { throw refuse("has a damaged .npy header") }
            count = product
        }
        let size = type.hasSuffix("4") ? 4 : 8
        guard count == values.count, data.count == count * size else {
            throw refuse("has shape \(shape), but holds \(data.count) bytes of values of \(size) bytes")
        }
        self.shape = shape
    }

    /// As the value of an edit.
    ///
    /// - Throws: `INVALID_ARGUMENT` for NaN, and for more values than a request can carry.
    func operand() throws(LensError) -> Operand {
        guard 4 * values.count <= Self.largestOperand else {
            throw .invalidArgument(
                "an edit brings at most \(Self.largestOperand / 4) values, for a request holds 1 MiB; received "
                    + "\(values.count): patch from a run, or use a hook function in Python")
        }
        return try Operand(shape: shape, values: values)
    }
}

extension String {
    /// What stands behind a key of a Python dictionary.
    fileprivate func value(of key: String) -> Substring? {
        guard let found = range(of: "'\(key)':") else { return nil }
        return self[found.upperBound...].drop { $0 == " " }
    }

    private func range(of text: String) -> Range<Index>? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) { return start..<index(start, offsetBy: text.count) }
            start = index(after: start)
        }
        return nil
    }
}

extension Substring {
    /// What stands between an opening character, at the beginning, and a closing one.
    fileprivate func between(_ open: Character, _ close: Character) -> Substring? {
        guard first == open, let end = dropFirst().firstIndex(of: close) else { return nil }
        return dropFirst()[..<end]
    }
}

extension ArraySlice<UInt8> {
    /// As little-endian numbers, one after the other.
    fileprivate func numbers<Bits: FixedWidthInteger>(_ number: (Bits) -> Float) -> [Float] {
        let size = MemoryLayout<Bits>.size
        return withUnsafeBytes { raw in
            (0..<count / size).map { index in
                number(Bits(littleEndian: raw.loadUnaligned(fromByteOffset: index * size, as: Bits.self)))
            }
        }
    }
}
