internal import Glibc
internal import LensCore
@_spi(CustomByteBufferAllocator) internal import NIOCore
internal import Synchronization

extension ByteBuffer {
    /// The bytes where they lie, without a copy where they are lent; their owner is held until the last such buffer is
    /// gone. Only to be written to a channel, never to be changed.
    init(lent bytes: ValueBytes) {
        guard let memory = bytes.lentMemory, let start = memory.baseAddress else {
            self = bytes.withUnsafeBytes { ByteBuffer(bytes: $0) }
            return
        }
        LentMemory.shared.hold(bytes, at: start)
        self.init(takingOwnershipOf: UnsafeMutableRawBufferPointer(mutating: memory), allocator: LentMemory.allocator)
    }
}

/// Holds the owners of memory that buffers were lent: SwiftNIO says what it no longer needs by its address alone.
private final class LentMemory: Sendable {
    static let shared = LentMemory()

    static let allocator = ByteBufferAllocator(
        allocate: { malloc($0) },
        reallocate: { old, oldSize, newSize in
            guard let new = malloc(newSize) else { return nil }
            if let old {
                new.copyMemory(from: old, byteCount: min(oldSize, newSize))
                if !LentMemory.shared.release(old) { free(old) }
            }
            return new
        },
        deallocate: { if !LentMemory.shared.release($0) { free($0) } },
        copy: { $0.copyMemory(from: $1, byteCount: $2) })

    /// By address, as often as it was lent: two calls may send the same tensor.
    private let owners = Mutex<[UInt: [ValueBytes]]>([:])

    func hold(_ bytes: ValueBytes, at start: UnsafeRawPointer) {
        let address = UInt(bitPattern: start)
        owners.withLock { $0[address, default: []].append(bytes) }
    }

    /// Lets one owner of the memory go; false for memory that was not lent.
    func release(_ start: UnsafeRawPointer) -> Bool {
        let address = UInt(bitPattern: start)
        // The owner, which may be a large tensor's last, is let go behind the lock.
        let owner = owners.withLock { owners -> ValueBytes? in
            guard let owner = owners[address]?.popLast() else { return nil }
            if owners[address]?.isEmpty == true { owners[address] = nil }
            return owner
        }
        return owner != nil
    }
}
