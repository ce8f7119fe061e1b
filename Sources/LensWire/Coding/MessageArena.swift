internal import CProtobufC
internal import LensCore

/// Memory for the C structs of one message while it is encoded; everything is freed together.
///
/// Numbers that do not fit their field are refused, so that a caller's mistake is an error and not a trap.
final class MessageArena {
    private let memory = MessageMemory()

    // MARK: - Fields

    func bytes(_ text: String) -> ProtobufCBinaryData {
        var text = text
        return text.withUTF8 { bytes(UnsafeRawBufferPointer($0)) }
    }

    func bytes(_ raw: [UInt8]) -> ProtobufCBinaryData {
        raw.withUnsafeBytes { bytes($0) }
    }

    func bytes(_ raw: UnsafeRawBufferPointer) -> ProtobufCBinaryData {
        guard raw.count > 0 else { return ProtobufCBinaryData(len: 0, data: nil) }
        let copy = memory.allocate(byteCount: raw.count, alignment: 1)
        copy.copyMemory(from: raw)
        return ProtobufCBinaryData(len: raw.count, data: copy.bindMemory(to: UInt8.self).baseAddress)
    }

    /// A nested message, filled in by `write`.
    func message<Message: CMessage>(
        _ type: Message.Type = Message.self, _ write: (inout Message) throws(LensError) -> Void
    ) throws(LensError) -> UnsafeMutablePointer<Message>? {
        var message = Message.fresh
        try write(&message)
        return copy(CollectionOfOne(message))
    }

    /// A repeated field of nested messages: their number and the pointers to them.
    func messages<Value, Message: CMessage>(
        _ values: [Value], as type: Message.Type = Message.self,
        _ write: (Value, inout Message) throws(LensError) -> Void
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UnsafeMutablePointer<Message>?>?) {
        var pointers: [UnsafeMutablePointer<Message>?] = []
        pointers.reserveCapacity(values.count)
        for value in values {
            pointers.append(try message { (message: inout Message) throws(LensError) in try write(value, &message) })
        }
        return (pointers.count, copy(pointers))
    }

    /// A repeated field of numbers or bytes: their number and where they are.
    func array<Element: BitwiseCopyable>(_ elements: [Element]) -> (count: Int, UnsafeMutablePointer<Element>?) {
        (elements.count, copy(elements))
    }

    // MARK: - Numbers

    func uint32(_ value: Int, _ field: String) throws(LensError) -> UInt32 {
        guard let number = UInt32(exactly: value) else {
            throw .outOfRange(field, value, 0..<Int(UInt32.max) + 1)
        }
        return number
    }

    func uint32(_ value: Int32, _ field: String) throws(LensError) -> UInt32 { try uint32(Int(value), field) }

    /// A repeated field of such numbers.
    func uint32s(
        _ values: [some BinaryInteger], _ field: String
    ) throws(LensError) -> (count: Int, UnsafeMutablePointer<UInt32>?) {
        var numbers: [UInt32] = []
        numbers.reserveCapacity(values.count)
        for value in values { numbers.append(try uint32(Int(value), field)) }
        return array(numbers)
    }

    /// A repeated field of numbers that may be negative.
    func int32s(_ values: [Int], _ field: String) throws(LensError) -> (count: Int, UnsafeMutablePointer<Int32>?) {
        var numbers: [Int32] = []
        numbers.reserveCapacity(values.count)
        for value in values {
            guard let number = Int32(exactly: value) else {
                throw .outOfRange(field, value, Int(Int32.min)..<Int(Int32.max) + 1)
            }
            numbers.append(number)
        }
        return array(numbers)
    }

    func uint64(_ value: Int, _ field: String) throws(LensError) -> UInt64 {
        guard let number = UInt64(exactly: value) else {
            throw .invalidArgument("\(field) must not be negative; received \(value)")
        }
        return number
    }

    private func copy<Element>(_ elements: some Collection<Element>) -> UnsafeMutablePointer<Element>? {
        guard !elements.isEmpty else { return nil }
        let room = memory.allocate(
            byteCount: elements.count * MemoryLayout<Element>.stride, alignment: MemoryLayout<Element>.alignment
        ).bindMemory(to: Element.self)
        _ = room.initialize(from: elements)
        return room.baseAddress
    }
}
