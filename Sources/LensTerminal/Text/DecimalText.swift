/// Numbers as people read them in a table, without locale and without Foundation.
public enum DecimalText {
    /// A fixed count of decimals: `-0.0312`; `nan`, `inf` and `-inf` as NumPy writes them.
    public static func fixed(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
        let scale = (0..<decimals).reduce(1.0) { scale, _ in scale * 10 }
        let scaled = (value.magnitude * scale).rounded()
        guard scaled < 9e15 else { return scientific(value, decimals) }
        let digits = String(Int64(scaled))
        let padded = String(repeating: "0", count: max(decimals + 1 - digits.count, 0)) + digits
        let sign = value < 0 && scaled > 0 ? "-" : ""
        return decimals == 0 ? sign + padded : "\(sign)\(padded.dropLast(decimals)).\(padded.suffix(decimals))"
    }

    /// As ``fixed(_:_:)`` with its sign always written.
    public static func signed(_ value: Double, _ decimals: Int) -> String {
        let text = fixed(value, decimals)
        return text.hasPrefix("-") || value.isNaN ? text : "+" + text
    }

    /// One digit before the point: `3.1416e-05`.
    public static func scientific(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, value != 0 else {
            return value == 0 ? fixed(0, decimals) + "e+00" : fixed(value, decimals)
        }
        var exponent = 0
        var mantissa = value.magnitude
        // Powers of ten up to 1e22 are exact, so at most one rounding per step.
        while mantissa >= 1e16 {
            mantissa /= 1e16
            exponent += 16
        }
        while mantissa >= 10 {
            mantissa /= 10
            exponent += 1
        }
        while mantissa < 1e-15 {
            mantissa *= 1e16
            exponent -= 16
        }
        while mantissa < 1 {
            mantissa *= 10
            exponent -= 1
        }
        var text = fixed(mantissa, decimals)
        if text.hasPrefix("10") {
            text = fixed(1, decimals)
            exponent += 1
        }
        let digits = String(exponent.magnitude)
        return (value < 0 ? "-" : "") + text + (exponent < 0 ? "e-" : "e+") + (digits.count < 2 ? "0" : "") + digits
    }

    /// A size in bytes: `7.9 MiB`.
    public static func bytes(_ count: Int) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1024, unit < units.count - 1 {
            value /= 1024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : fixed(value, 1) + " " + units[unit]
    }

    /// A span of time: `4.2 s`, `3 min 12 s`, `5 h 2 min`, `3 d 4 h`.
    public static func duration(_ seconds: Double) -> String {
        guard seconds.isFinite, seconds >= 0, seconds < 1e12 else { return "?" }
        if seconds < 60 { return fixed(seconds, 1) + " s" }
        let whole = Int(seconds)
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 86400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
        return "\(whole / 86400) d \(whole % 86400 / 3600) h"
    }

    /// A moment of Universal Time from seconds since 1970: `2026-03-01 17:05:09Z`.
    public static func moment(_ secondsSince1970: Double) -> String {
        guard secondsSince1970.isFinite, secondsSince1970.magnitude < 1e11 else { return "?" }
        let seconds = Int(secondsSince1970.rounded(.down))
        let (days, rest) = { ($0, seconds - $0 * 86400) }(Int((Double(seconds) / 86400).rounded(.down)))
        // Howard Hinnant's civil_from_days.
        let z = days + 719_468
        let era = (z >= 0 ? z : z - 146_096) / 146_097
        let dayOfEra = z - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(year)-\(two(month))-\(two(day)) \(two(rest / 3600)):\(two(rest % 3600 / 60)):\(two(rest % 60))Z"
    }
}
