/// A colour of 24 bits.
public struct Colour: Sendable, Hashable {
    public var red: UInt8
    public var green: UInt8
    public var blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
        self.red = red
        self.green = green
        self.blue = blue
    }

    /// The nearest of xterm's 256 colours: its colour cube or its ramp of greys.
    var index: Int {
        let levels = [0, 95, 135, 175, 215, 255]
        func nearest(_ value: UInt8) -> Int {
            levels.indices.min { abs(levels[$0] - Int(value)) < abs(levels[$1] - Int(value)) } ?? 0
        }
        let cube = (nearest(red), nearest(green), nearest(blue))
        let average = (Int(red) + Int(green) + Int(blue)) / 3
        let grey = min(max((average - 3) / 10, 0), 23)
        let greyLevel = 8 + 10 * grey
        let cubeDistance = distance(levels[cube.0], levels[cube.1], levels[cube.2])
        return distance(greyLevel, greyLevel, greyLevel) < cubeDistance
            ? 232 + grey : 16 + 36 * cube.0 + 6 * cube.1 + cube.2
    }

    private func distance(_ otherRed: Int, _ otherGreen: Int, _ otherBlue: Int) -> Int {
        let (r, g, b) = (Int(red) - otherRed, Int(green) - otherGreen, Int(blue) - otherBlue)
        return r * r + g * g + b * b
    }
}

extension Colour {
    /// Inferno of matplotlib (CC0), from a little above black so that a zero differs from a dark terminal's ground.
    private static let inferno: [Colour] = [
        Colour(20, 11, 54), Colour(59, 15, 100), Colour(101, 21, 110), Colour(142, 36, 105), Colour(181, 51, 88),
        Colour(217, 78, 59), Colour(241, 115, 29), Colour(252, 165, 10), Colour(246, 215, 70), Colour(252, 255, 164),
    ]

    /// The colour of a share from 0 to 1, already brought to the scale's curve; NaN is grey.
    static func heat(_ share: Double, _ depth: Terminal.ColourDepth) -> Colour {
        guard share.isFinite else { return Colour(110, 110, 110) }
        if depth == .indexed {
            return infernoSteps[min(Int(min(max(share, 0), 1) * Double(infernoSteps.count)), infernoSteps.count - 1)]
        }
        let place = min(max(share, 0), 1) * Double(inferno.count - 1)
        let low = min(Int(place), inferno.count - 2)
        let (from, to, part) = (inferno[low], inferno[low + 1], place - Double(low))
        func mix(_ a: UInt8, _ b: UInt8) -> UInt8 { UInt8(Double(a) + (Double(b) - Double(a)) * part + 0.5) }
        return Colour(mix(from.red, to.red), mix(from.green, to.green), mix(from.blue, to.blue))
    }

    /// The same for terminals of 256 colours: steps of xterm's colour cube, since the nearest would be muddy.
    private static let infernoSteps: [Colour] = [
        Colour(0, 0, 95), Colour(95, 0, 95), Colour(135, 0, 95), Colour(175, 0, 95), Colour(215, 0, 0),
        Colour(215, 95, 0), Colour(255, 135, 0), Colour(255, 175, 0), Colour(255, 215, 95), Colour(255, 255, 175),
    ]

    /// Above zero and below zero in signed charts; told apart by colour-blind eyes, readable on light and dark.
    static let above = Colour(230, 126, 34)
    static let below = Colour(52, 137, 219)
    /// Too near to zero to count.
    static let aboveFaint = Colour(175, 135, 95)
    static let belowFaint = Colour(95, 135, 175)
    static let accent = Colour(38, 166, 154)
}
