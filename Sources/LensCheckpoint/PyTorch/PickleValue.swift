/// What a pickle of tensors is made of.
///
/// Containers are places in the machine's own list instead of references: nothing nests in memory, so that neither
/// depth nor cycles of a hostile pickle reach the stack or leak.
enum PickleValue {
    case none
    case boolean(Bool)
    case integer(Int)
    /// Over 64 bits: little-endian, two's complement.
    case wideInteger([UInt8])
    case double(Double)
    case string(String)
    case tuple(Int)
    case list(Int)
    /// Keys and values by turns.
    case dictionary(Int)
    case global(PickleGlobal)
    case storage(Int)
    case tensor(Int)

    /// What it is, for errors.
    var kind: String {
        switch self {
        case .none: "None"
        case .boolean: "a boolean"
        case .integer, .wideInteger: "an integer"
        case .double: "a number"
        case .string: "a string"
        case .tuple: "a tuple"
        case .list: "a list"
        case .dictionary: "a dictionary"
        case .global: "a type"
        case .storage: "a storage"
        case .tensor: "a tensor"
        }
    }
}

/// The types and functions that a pickle may name: a closed list, and none of them runs anything.
enum PickleGlobal: Equatable {
    case orderedDictionary
    case rebuildTensor
    case rebuildTensorV2
    case rebuildTensorV3
    case rebuildParameter
    /// `torch.FloatStorage` and its like.
    case storage(StoredType)
    case untypedStorage
    /// `torch.float32` and its like.
    case elementType(StoredType)

    /// `nil` for everything that no state dict needs.
    init?(module: String, name: String) {
        guard let known = Self.known[module]?[name] else { return nil }
        self = known
    }

    private static let known: [String: [String: PickleGlobal]] = [
        "collections": ["OrderedDict": .orderedDictionary],
        "torch._utils": [
            "_rebuild_tensor": .rebuildTensor, "_rebuild_tensor_v2": .rebuildTensorV2,
            "_rebuild_tensor_v3": .rebuildTensorV3, "_rebuild_parameter": .rebuildParameter,
        ],
        "torch.storage": ["UntypedStorage": .untypedStorage],
        "torch": [
            "FloatStorage": .storage(.float32), "HalfStorage": .storage(.float16),
            "BFloat16Storage": .storage(.bfloat16), "DoubleStorage": .storage(.float64),
            "LongStorage": .storage(.int64), "IntStorage": .storage(.int32), "ShortStorage": .storage(.int16),
            "CharStorage": .storage(.int8), "ByteStorage": .storage(.uint8), "BoolStorage": .storage(.bool),
            "UntypedStorage": .untypedStorage,
            "float32": .elementType(.float32), "float16": .elementType(.float16),
            "bfloat16": .elementType(.bfloat16), "float64": .elementType(.float64),
            "int64": .elementType(.int64), "int32": .elementType(.int32), "int16": .elementType(.int16),
            "int8": .elementType(.int8), "uint8": .elementType(.uint8), "bool": .elementType(.bool),
            "uint16": .elementType(.uint16), "uint32": .elementType(.uint32), "uint64": .elementType(.uint64),
            "float8_e4m3fn": .elementType(.float8E4M3), "float8_e5m2": .elementType(.float8E5M2),
        ],
    ]
}
