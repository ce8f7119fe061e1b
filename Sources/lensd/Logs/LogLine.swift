import Glibc
import Logging

/// One message of the log with what belongs to it.
struct LogLine {
    let level: Logger.Level
    let message: String
    /// What every line has comes first and in this order, the rest by name.
    private let fields: [(key: String, value: Logger.MetadataValue)]

    private static let order = ["connection", "request", "uid", "method", "status", "ms", "wait_ms"]

    init(level: Logger.Level, message: String, metadata: Logger.Metadata) {
        self.level = level
        self.message = message
        fields = metadata.map { ($0.key, $0.value) }.sorted { left, right in
            let places = [left.key, right.key].map { Self.order.firstIndex(of: $0) ?? Self.order.count }
            return (places[0], left.key) < (places[1], right.key)
        }
    }

    // MARK: - For people

    /// `message key=value …`
    var text: String {
        ([Self.plain(message)] + fields.map { "\($0.key)=\(Self.word("\($0.value)"))" }).joined(separator: " ")
    }

    /// `2026-03-01T17:05:09.123Z info message key=value …`
    func text(at moment: LogMoment) -> String { "\(moment) \(level.rawValue) \(text)" }

    /// As it is where that is one word, else in quotes.
    private static func word(_ value: String) -> String {
        let isWord = !value.isEmpty && value.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x3D }
        return isWord ? value : quoted(value)
    }

    /// Without anything that would end the line or steer a terminal.
    private static func plain(_ message: String) -> String {
        message.unicodeScalars.contains(where: isControl) ? quoted(message) : message
    }

    // MARK: - For programs

    /// One JSON object; numbers are numbers.
    func json(at moment: LogMoment) -> String {
        var members = [
            ("time", Self.quoted("\(moment)")), ("level", Self.quoted(level.rawValue)),
            ("message", Self.quoted(message)),
        ]
        members += fields.map { ($0.key, Self.json($0.value)) }
        return "{" + members.map { "\(Self.quoted($0)):\($1)" }.joined(separator: ",") + "}"
    }

    private static func json(_ value: Logger.MetadataValue) -> String {
        switch value {
        case .string(let text): return quoted(text)
        case .stringConvertible(let value):
            switch value {
            case let number as any BinaryInteger: return "\(number)"
            case let number as Double where number.isFinite: return "\(number)"
            default: return quoted("\(value)")
            }
        case .array(let values): return "[" + values.map(json).joined(separator: ",") + "]"
        case .dictionary(let members):
            let sorted = members.sorted { $0.key < $1.key }
            return "{" + sorted.map { "\(quoted($0.key)):\(json($0.value))" }.joined(separator: ",") + "}"
        }
    }

    /// A JSON string.
    private static func quoted(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case "\t": quoted += "\\t"
            case _ where isControl(scalar):
                let hex = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) || scalar.value == 0x2028 || scalar.value == 0x2029
    }
}

/// When a message was written, in Universal Time to the millisecond: `2026-03-01T17:05:09.123Z`.
struct LogMoment: CustomStringConvertible {
    private let time: timespec

    static var now: LogMoment {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return LogMoment(time: time)
    }

    var description: String {
        var seconds = time.tv_sec
        var parts = tm()
        gmtime_r(&seconds, &parts)
        func padded(_ number: Int, _ width: Int) -> String {
            let digits = String(number)
            return String(repeating: "0", count: max(0, width - digits.count)) + digits
        }
        let day = [(Int(parts.tm_year) + 1900, 4), (Int(parts.tm_mon) + 1, 2), (Int(parts.tm_mday), 2)]
        let hour = [Int(parts.tm_hour), Int(parts.tm_min), Int(parts.tm_sec)]
        return day.map { padded($0.0, $0.1) }.joined(separator: "-") + "T"
            + hour.map { padded($0, 2) }.joined(separator: ":") + "." + padded(time.tv_nsec / 1_000_000, 3) + "Z"
    }
}
