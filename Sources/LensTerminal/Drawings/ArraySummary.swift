/// Values of a tensor as NumPy prints them: brackets per axis, aligned columns, and of a large one the edges only.
public struct ArraySummary: Sendable {
    /// Row-major.
    private let values: [Float]
    private let shape: [Int]
    /// Whole numbers, such as token ids, have no decimals.
    private let isInteger: Bool
    /// As NumPy's `threshold` and `edgeitems`.
    private static let threshold = 1000
    private static let edge = 3

    /// - Returns: `nil` where the count of values is not what the shape says.
    public init?(_ values: [Float], shape: [Int], isInteger: Bool = false) {
        var count = 1
        for size in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: size)
            guard size >= 0, !overflow else { return nil }
            count = product
        }
        guard count == values.count else { return nil }
        self.values = values
        self.shape = shape
        self.isInteger = isInteger
    }

    public func lines(width: Int) -> [String] {
        guard !values.isEmpty else { return ["[]"] }
        let shown = shownOffsets()
        let format = NumberFormat(shown.map { Double(values[$0]) }, isInteger: isInteger)
        guard !shape.isEmpty else { return [format.text(Double(values[0])).trimmed] }
        let printer = Printer(summary: self, format: format, width: width)
        return printer.lines(axis: 0, offset: 0, indent: 0)
    }

    private var isAbridged: Bool { values.count > Self.threshold }

    /// Which indices of an axis are printed; `nil` stands for those left out.
    private func indices(of axis: Int) -> [Int?] {
        let size = shape[axis]
        guard isAbridged, size > 2 * Self.edge else { return Array(0..<size) }
        return Array(0..<Self.edge) + [nil] + Array(size - Self.edge..<size)
    }

    /// Elements from one index of an axis to the next.
    private func stride(of axis: Int) -> Int { shape[(axis + 1)...].reduce(1, *) }

    private func shownOffsets() -> [Int] {
        shape.indices.reduce([0]) { offsets, axis in
            let steps = indices(of: axis).compactMap { $0 }.map { $0 * stride(of: axis) }
            return offsets.flatMap { offset in steps.map { offset + $0 } }
        }
    }

    private struct Printer {
        let summary: ArraySummary
        let format: NumberFormat
        let width: Int

        func lines(axis: Int, offset: Int, indent: Int) -> [String] {
            let indices = summary.indices(of: axis)
            if axis == summary.shape.count - 1 { return row(indices, offset: offset, indent: indent) }
            // As NumPy: an empty line between the parts of a tensor of three axes, two of four.
            let gap = [String](repeating: "", count: summary.shape.count - axis - 2)
            let stride = summary.stride(of: axis)
            var lines: [String] = []
            for (position, index) in indices.enumerated() {
                guard let index else {
                    lines += gap + [String(repeating: " ", count: indent + 1) + "..."]
                    continue
                }
                if position > 0 { lines += gap }
                lines += self.lines(axis: axis + 1, offset: offset + index * stride, indent: indent + 1)
            }
            return bracketed(lines, indent: indent)
        }

        private func row(_ indices: [Int?], offset: Int, indent: Int) -> [String] {
            let margin = String(repeating: " ", count: indent + 1)
            var lines = [margin]
            for (position, index) in indices.enumerated() {
                let item = index.map { format.text(Double(summary.values[offset + $0])) } ?? "..."
                let line = lines[lines.count - 1]
                if position > 0, line.count + 1 + item.count + summary.shape.count > width {
                    lines.append(margin + item)
                } else {
                    lines[lines.count - 1] = line + (position > 0 ? " " : "") + item
                }
            }
            return bracketed(lines, indent: indent)
        }

        private func bracketed(_ lines: [String], indent: Int) -> [String] {
            var lines = lines
            guard let first = lines.first else { return ["[]"] }
            let margin = String(repeating: " ", count: indent)
            lines[0] = margin + "[" + first.dropFirst(indent + 1)
            lines[lines.count - 1] += "]"
            return lines
        }
    }
}

/// One way to write all numbers of an array, so that they align.
private struct NumberFormat {
    private let isInteger: Bool
    private let isScientific: Bool
    private let decimals = 4
    private var width = 0

    init(_ values: [Double], isInteger: Bool) {
        self.isInteger = isInteger
        let sizes = values.filter { $0.isFinite && $0 != 0 }.map(\.magnitude)
        let (least, most) = (sizes.min() ?? 1, sizes.max() ?? 1)
        // As NumPy decides, but for the few zeros that a softmax makes: small numbers beside large ones stay fixed.
        isScientific = !isInteger && (most >= 1e8 || most < 1e-3 || (least < 1e-4 && most / least > 1e3 && most < 1e-2))
        width = values.map { plain($0).count }.max() ?? 0
    }

    private func plain(_ value: Double) -> String {
        if isInteger { return DecimalText.fixed(value, 0) }
        return isScientific ? DecimalText.scientific(value, decimals) : DecimalText.fixed(value, decimals)
    }

    func text(_ value: Double) -> String {
        let text = plain(value)
        return String(repeating: " ", count: max(width - text.count, 0)) + text
    }
}

extension String {
    fileprivate var trimmed: String { String(drop { $0 == " " }) }
}
