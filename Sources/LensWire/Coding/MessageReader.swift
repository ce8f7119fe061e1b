internal import CProtobufC
internal import LensCore

/// Says that bytes were no message at all, so that the connection they came on cannot be trusted to go on.
///
/// It is the `cause` of the `INVALID_ARGUMENT` that decoding throws; a well-formed message with an impossible value has
/// none.
struct MalformedMessage: Error {}

/// Parses with protobuf-c under a budget of memory.
///
/// libprotobuf-c has no limit of its own and spends up to 36 bytes on a byte of unknown fields. Real requests need
/// less than 24 (a corpus of one-letter prompts comes nearest); what asks for more is refused as malformed. Memory is
/// given out in one piece after another and taken back as a whole, so that nothing depends on how the library tidies up
/// after an error.
enum MessageReader {
    private static let baseBudget = 1 << 20
    private static let budgetPerByte = 24

    private struct Allowance {
        let memory: Unmanaged<MessageMemory>
        var budget: Int
    }

    /// Parses `bytes` and lends the struct to `read`; the memory is freed before this returns.
    ///
    /// - Throws: `INVALID_ARGUMENT` caused by ``MalformedMessage`` for bytes that do not parse, else what `read`
    ///   throws.
    static func withMessage<Message: CMessage, Result>(
        _ type: Message.Type, in bytes: UnsafeRawBufferPointer,
        _ read: (Message) throws(LensError) -> Result
    ) throws(LensError) -> Result {
        let descriptor = Message.fresh.base.descriptor
        let memory = MessageMemory()
        defer { withExtendedLifetime(memory) {} }
        var allowance = Allowance(
            memory: .passUnretained(memory), budget: baseBudget + budgetPerByte * bytes.count)
        let unpacked = withUnsafeMutablePointer(to: &allowance) { allowance in
            var allocator = ProtobufCAllocator(
                alloc: { data, size in
                    guard let allowance = data?.assumingMemoryBound(to: Allowance.self),
                        size <= allowance.pointee.budget
                    else { return nil }
                    allowance.pointee.budget -= size
                    return allowance.pointee.memory._withUnsafeGuaranteedRef { memory in
                        memory.allocate(byteCount: max(size, 1), alignment: 16).baseAddress
                    }
                },
                free: { _, _ in },
                allocator_data: allowance)
            let base = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self)
            return protobuf_c_message_unpack(descriptor, &allocator, bytes.count, base)
        }
        guard let unpacked else {
            throw LensError(
                .invalidArgument, "\(bytes.count) bytes are no valid \(name(of: descriptor))", cause: MalformedMessage()
            )
        }
        return try read(UnsafeRawPointer(unpacked).assumingMemoryBound(to: Message.self).pointee)
    }

    private static func name(of descriptor: UnsafePointer<ProtobufCMessageDescriptor>?) -> String {
        descriptor?.pointee.name.map { String(cString: $0) } ?? "message"
    }
}

// MARK: - Fields

extension ProtobufCBinaryData {
    /// The field's bytes, copied out.
    var array: [UInt8] {
        [UInt8](UnsafeBufferPointer(start: data, count: data == nil ? 0 : len))
    }

    /// The field as text.
    ///
    /// - Throws: `INVALID_ARGUMENT` for bytes that are not UTF-8.
    func text(_ field: String) throws(LensError) -> String {
        let bytes = UnsafeBufferPointer(start: data, count: data == nil ? 0 : len)
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw .invalidArgument("\(field) must be UTF-8; received \(len) bytes that are not")
        }
        return text
    }
}

extension UInt64 {
    /// The field as a count that leaves room for arithmetic.
    func count(_ field: String) throws(LensError) -> Int {
        guard self < 1 << 56 else { throw .outOfRange(field, self, 0..<1 << 56) }
        return Int(self)
    }
}

extension UInt32 {
    /// The field as a token id.
    func tokenID(_ field: String) throws(LensError) -> Int32 {
        guard let id = Int32(exactly: self) else { throw .outOfRange(field, self, 0..<1 << 31) }
        return id
    }
}

/// A repeated field of numbers or bytes, copied out.
func array<Element: BitwiseCopyable>(_ count: Int, _ start: UnsafeMutablePointer<Element>?) -> [Element] {
    [Element](UnsafeBufferPointer(start: start, count: start == nil ? 0 : count))
}

/// A repeated field of nested messages, each read by `read`.
func messages<Message, Value>(
    _ count: Int, _ start: UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?,
    _ read: (Message) throws(LensError) -> Value
) throws(LensError) -> [Value] {
    var values: [Value] = []
    values.reserveCapacity(count)
    for pointer in UnsafeBufferPointer(start: start, count: start == nil ? 0 : count) {
        guard let pointer else { continue }
        values.append(try read(pointer.pointee))
    }
    return values
}

/// A nested message that must be there.
func required<Message, Value>(
    _ pointer: UnsafeMutablePointer<Message>?, _ field: String, _ read: (Message) throws(LensError) -> Value
) throws(LensError) -> Value {
    guard let pointer else { throw .invalidArgument("\(field) is missing") }
    return try read(pointer.pointee)
}
