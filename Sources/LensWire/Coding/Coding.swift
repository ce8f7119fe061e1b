internal import CProtobufC
public import LensCore

/// How one kind of value travels as a protobuf message.
public struct Coding<Value>: Sendable {
    private typealias Encode =
        @Sendable (Value, (Int, (UnsafeMutableRawPointer) -> Void) -> Void) throws(LensError) -> Void
    private let encodeInto: Encode
    private let decodeFrom: @Sendable (UnsafeRawBufferPointer) throws(LensError) -> Value
    /// The field of bytes that a value is and nothing else: such a message can be written past the generated code.
    private(set) var soleField: @Sendable (Value) -> (number: UInt8, bytes: ValueBytes)? = { _ in nil }

    /// Couples a value with the generated struct that carries it.
    init<Message: CMessage>(
        _ type: Message.Type,
        read: @escaping @Sendable (Message) throws(LensError) -> Value,
        write: @escaping @Sendable (Value, inout Message, MessageArena) throws(LensError) -> Void
    ) {
        encodeInto = { (value, body) throws(LensError) in
            let arena = MessageArena()
            var message = Message.fresh
            try write(value, &message, arena)
            withUnsafePointer(to: message) { pointer in
                let base = UnsafeRawPointer(pointer).assumingMemoryBound(to: ProtobufCMessage.self)
                body(protobuf_c_message_get_packed_size(base)) { room in
                    _ = protobuf_c_message_pack(base, room.assumingMemoryBound(to: UInt8.self))
                }
            }
            withExtendedLifetime(arena) {}
        }
        decodeFrom = { (bytes) throws(LensError) in
            try MessageReader.withMessage(Message.self, in: bytes, read)
        }
    }

    /// The same messages; a value that is one field of bytes and nothing else can be told by them.
    ///
    /// - Parameters:
    ///   - field: the field's number, at most 15.
    ///   - bytes: the field's bytes, `nil` for a value that has others.
    func carrying(field: UInt8, _ bytes: @escaping @Sendable (Value) -> ValueBytes?) -> Self {
        var coding = self
        coding.soleField = { value in bytes(value).map { (field, $0) } }
        return coding
    }

    /// Encodes a value straight into memory of the caller's: `body` learns the size and gets a function that writes
    /// exactly that many bytes.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a number that does not fit its field.
    package func encode(
        _ value: Value, _ body: (_ size: Int, _ write: (UnsafeMutableRawPointer) -> Void) -> Void
    ) throws(LensError) {
        try encodeInto(value, body)
    }

    /// The message's bytes.
    ///
    /// - Throws: `INVALID_ARGUMENT` for a number that does not fit its field.
    public func encode(_ value: Value) throws(LensError) -> [UInt8] {
        var encoded: [UInt8] = []
        try encodeInto(value) { size, write in
            encoded = [UInt8](unsafeUninitializedCapacity: size) { room, count in
                if let start = room.baseAddress { write(start) }
                count = size
            }
        }
        return encoded
    }

    /// The value of a message.
    ///
    /// - Throws: `INVALID_ARGUMENT` for bytes that do not parse, text that is not UTF-8, a number out of range, or a
    ///   missing field; the message names the field.
    public func decode(_ bytes: [UInt8]) throws(LensError) -> Value {
        let result = bytes.withUnsafeBytes { bytes in
            Result { () throws(LensError) in try decodeFrom(bytes) }
        }
        return try result.get()
    }

    package func decode(_ bytes: UnsafeRawBufferPointer) throws(LensError) -> Value {
        try decodeFrom(bytes)
    }
}
