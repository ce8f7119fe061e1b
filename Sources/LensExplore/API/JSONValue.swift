internal import LensReport

/// Any JSON, as a page sent it: kept with a saved page, or handed on to another call.
enum JSONValue: Codable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONValue])
    case object([String: JSONValue])

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            self = .null
        } else if let bool = try? value.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? value.decode(Double.self) {
            self = .number(number)
        } else if let string = try? value.decode(String.self) {
            self = .string(string)
        } else if let array = try? value.decode([JSONValue].self) {
            self = .array(array)
        } else {
            self = .object(try value.decode([String: JSONValue].self))
        }
    }

    func encode(to encoder: any Encoder) throws {
        var value = encoder.singleValueContainer()
        switch self {
        case .null: try value.encodeNil()
        case .bool(let bool): try value.encode(bool)
        // Whole numbers are written without a point, so that they are read as such.
        case .number(let number):
            if let integer = Int(exactly: number) { try value.encode(integer) } else { try value.encode(number) }
        case .string(let string): try value.encode(string)
        case .array(let array): try value.encode(array)
        case .object(let object): try value.encode(object)
        }
    }

    var script: ScriptJSON {
        switch self {
        case .null: .null
        case .bool(let bool): .bool(bool)
        case .number(let number): Int(exactly: number).map(ScriptJSON.integer) ?? .number(number)
        case .string(let string): .string(string)
        case .array(let array): .array(array.map(\.script))
        case .object(let object): .object(object.sorted { $0.key < $1.key }.map { ($0.key, $0.value.script) })
        }
    }
}
