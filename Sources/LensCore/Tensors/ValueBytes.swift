/// Raw little-endian values on their way: an array of their own, or memory that stays its owner's, so that large ones
/// reach the socket without a copy.
public struct ValueBytes: Sendable {
    private enum Storage: @unchecked Sendable {
        // Sendable although it points: nobody writes to the memory while its owner is held.
        case array([UInt8])
        case lent(UnsafeRawBufferPointer, owner: any Sendable)
    }

    private let storage: Storage

    public init(_ bytes: [UInt8]) {
        storage = .array(bytes)
    }

    /// - Parameters:
    ///   - memory: stays as it is for as long as `owner` is held.
    ///   - owner: a value, such as a tensor, that keeps the memory and lets nobody write to it.
    public init(lending memory: UnsafeRawBufferPointer, of owner: any Sendable) {
        storage = .lent(memory, owner: owner)
    }

    /// The number of bytes.
    public var count: Int {
        switch storage {
        case .array(let bytes): bytes.count
        case .lent(let memory, _): memory.count
        }
    }

    /// The memory that is lent; `nil` for an array.
    public var lentMemory: UnsafeRawBufferPointer? {
        if case .lent(let memory, _) = storage { memory } else { nil }
    }

    /// The bytes as an array; copied where they are lent.
    public var array: [UInt8] {
        switch storage {
        case .array(let bytes): bytes
        case .lent: withUnsafeBytes { Array($0) }
        }
    }

    /// Gives the bytes where they lie.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        switch storage {
        case .array(let bytes): bytes.withUnsafeBytes(body)
        case .lent(let memory, let owner): withExtendedLifetime(owner) { body(memory) }
        }
    }
}

extension ValueBytes: ExpressibleByArrayLiteral {
    public init(arrayLiteral bytes: UInt8...) {
        self.init(bytes)
    }
}
