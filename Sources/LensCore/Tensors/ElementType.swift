/// The type of a tensor's elements, by safetensors' names.
public enum ElementType: String, Sendable, CaseIterable {
    case float16 = "F16"
    case bfloat16 = "BF16"
    case float32 = "F32"
    case int32 = "I32"
    case int64 = "I64"

    /// Bytes per element.
    public var size: Int {
        switch self {
        case .float16, .bfloat16: 2
        case .float32, .int32: 4
        case .int64: 8
        }
    }
}
