import LensCore

/// Runs a pickle that holds tensors and nothing else.
///
/// Of Python's instructions it has those that `torch.save` of a state dict needs, and of Python's functions only
/// those of ``PickleGlobal``, which make values and run nothing. Everything is bounded by what a real file needs.
/// Instructions as in Python's `Lib/pickle.py`, tensors as in `torch._utils`.
struct PickleMachine {
    private(set) var tensors: [PickledTensor] = []
    private(set) var storages: [PickledStorage] = []
    private var storagePlaces: [String: Int] = [:]
    private var containers: [[PickleValue]] = []
    /// Values in all containers together.
    private var elementCount = 0
    private var stack: [PickleValue] = []
    private var marks: [Int] = []
    private var memo: [Int: PickleValue] = [:]
    private var reader: ByteReader

    static let sizeLimit = 16 << 20
    private static let tensorLimit = 20_000
    private static let containerLimit = 200_000
    private static let elementLimit = 2_000_000
    private static let stackLimit = 100_000
    private static let memoLimit = 400_000
    private static let nameLimit = 256

    /// Prepares to run the pickle that the reader stands before.
    init(_ reader: ByteReader) {
        self.reader = reader
    }

    /// Where the last pickle ended.
    var position: Int { reader.position }

    /// Runs up to the instruction that ends the pickle, and returns what it made.
    ///
    /// - Throws: `INVALID_ARGUMENT` naming the instruction, the function or the bound.
    mutating func run() throws(LensError) -> PickleValue {
        stack.removeAll()
        marks.removeAll()
        memo.removeAll()
        while true {
            let start = reader.position
            let code = try reader.byte()
            guard let instruction = PickleInstruction(rawValue: code) else {
                throw error(
                    "instruction 0x\(String(code, radix: 16)) at byte \(start) is none that a state dict needs")
            }
            if instruction == .stop {
                guard marks.isEmpty, stack.count == 1, let result = stack.last else {
                    throw error("ends with \(stack.count) values at byte \(start); expected 1")
                }
                return result
            }
            try execute(instruction)
            guard stack.count <= Self.stackLimit, marks.count <= Self.stackLimit else {
                throw error("may have at most \(Self.stackLimit) values waiting; it has more at byte \(start)")
            }
            guard memo.count <= Self.memoLimit else {
                throw error("may remember at most \(Self.memoLimit) values; it has more at byte \(start)")
            }
        }
    }

    private mutating func execute(_ instruction: PickleInstruction) throws(LensError) {
        switch instruction {
        case .stop: break
        case .proto:
            let version = try reader.byte()
            guard (2...5).contains(version) else { throw error("must be of protocol 2...5; it is of \(version)") }
        case .frame: _ = try reader.take(8)
        case .mark: marks.append(stack.count)

        case .none: stack.append(.none)
        case .newTrue: stack.append(.boolean(true))
        case .newFalse: stack.append(.boolean(false))
        case .binInt: stack.append(.integer(Int(try reader.integer(Int32.self))))
        case .binInt1: stack.append(.integer(Int(try reader.byte())))
        case .binInt2: stack.append(.integer(Int(try reader.integer(UInt16.self))))
        case .long1: stack.append(Self.integer(try reader.take(Int(reader.byte()))))
        case .binFloat: stack.append(.double(Double(bitPattern: try reader.integer(UInt64.self).byteSwapped)))
        case .shortBinUnicode, .shortBinString: try pushString(count: Int(reader.byte()))
        case .binUnicode, .binString: try pushString(count: Int(reader.integer(UInt32.self)))

        case .emptyTuple: stack.append(.tuple(try container([])))
        case .emptyList: stack.append(.list(try container([])))
        case .emptyDict: stack.append(.dictionary(try container([])))
        case .tuple: stack.append(.tuple(try container(try popToMark())))
        case .tuple1: stack.append(.tuple(try container(try pop(1))))
        case .tuple2: stack.append(.tuple(try container(try pop(2))))
        case .tuple3: stack.append(.tuple(try container(try pop(3))))
        case .append: try extendList(by: try pop(1))
        case .appends: try extendList(by: try popToMark())
        case .setItem: try extendDictionary(by: try pop(2))
        case .setItems: try extendDictionary(by: try popToMark())

        case .binPut: memo[Int(try reader.byte())] = try top()
        case .longBinPut: memo[Int(try reader.integer(UInt32.self))] = try top()
        case .memoize: memo[memo.count] = try top()
        case .binGet: try recall(Int(reader.byte()))
        case .longBinGet: try recall(Int(reader.integer(UInt32.self)))

        case .global:
            let module = try name(try reader.line(limit: Self.nameLimit))
            try pushGlobal(module, try name(try reader.line(limit: Self.nameLimit)))
        case .stackGlobal:
            let names = try pop(2)
            guard case .string(let module) = names[0], case .string(let name) = names[1] else {
                throw error("names a function by \(names[0].kind) and \(names[1].kind); expected strings")
            }
            try pushGlobal(module, name)
        case .reduce: try reduce()
        case .build:
            // Notes that a state dict carries about its modules' versions.
            _ = try pop(1)
            guard case .dictionary = try top() else { throw error("sets attributes of \(try top().kind)") }
        case .binPersID: try pushStorage()
        }
    }

    // MARK: - The stack

    private func error(_ message: String) -> LensError {
        .invalidArgument("\(reader.name): the pickle \(message)")
    }

    private func top() throws(LensError) -> PickleValue {
        guard let value = stack.last, stack.count > (marks.last ?? 0) else {
            throw error("needs a value at byte \(reader.position); there is none")
        }
        return value
    }

    private mutating func pop(_ count: Int) throws(LensError) -> [PickleValue] {
        guard stack.count - count >= marks.last ?? 0 else {
            throw error("needs \(count) values at byte \(reader.position); there are fewer")
        }
        defer { stack.removeLast(count) }
        return Array(stack.suffix(count))
    }

    private mutating func popToMark() throws(LensError) -> [PickleValue] {
        guard let mark = marks.popLast(), mark <= stack.count else {
            throw error("needs a mark at byte \(reader.position); there is none")
        }
        defer { stack.removeSubrange(mark...) }
        return Array(stack[mark...])
    }

    private mutating func container(_ values: [PickleValue]) throws(LensError) -> Int {
        guard containers.count < Self.containerLimit else {
            throw error("may hold at most \(Self.containerLimit) tuples, lists and dictionaries; it has more")
        }
        try count(values)
        containers.append(values)
        return containers.count - 1
    }

    /// A list that is known can be put into others again and again.
    private mutating func count(_ values: [PickleValue]) throws(LensError) {
        elementCount += values.count
        guard elementCount <= Self.elementLimit else {
            throw error("may hold at most \(Self.elementLimit) values in tuples, lists and dictionaries; it has more")
        }
    }

    private mutating func extendList(by values: [PickleValue]) throws(LensError) {
        guard case .list(let place) = try top() else { throw error("appends to \(try top().kind)") }
        try count(values)
        containers[place] += values
    }

    private mutating func extendDictionary(by values: [PickleValue]) throws(LensError) {
        guard case .dictionary(let place) = try top() else { throw error("sets items of \(try top().kind)") }
        guard values.count.isMultiple(of: 2) else { throw error("sets a key without a value") }
        try count(values)
        containers[place] += values
    }

    private mutating func recall(_ place: Int) throws(LensError) {
        guard let value = memo[place] else { throw error("recalls value \(place), which it never stored") }
        stack.append(value)
    }

    private mutating func pushString(count: Int) throws(LensError) {
        let bytes = try reader.take(count)
        guard let string = String(validating: bytes, as: UTF8.self) else {
            throw error("has a string at byte \(reader.position - count) that is not UTF-8")
        }
        stack.append(.string(string))
    }

    private static func integer(_ bytes: ArraySlice<UInt8>) -> PickleValue {
        guard bytes.count <= 8 else { return .wideInteger(Array(bytes)) }
        let isNegative = bytes.last.map { $0 >= 0x80 } ?? false
        return .integer(bytes.reversed().reduce(isNegative ? -1 : 0) { $0 << 8 | Int($1) })
    }

    // MARK: - Names

    private func name(_ bytes: ArraySlice<UInt8>) throws(LensError) -> String {
        guard let name = String(validating: bytes, as: UTF8.self) else { throw error("names what is not UTF-8") }
        return name
    }

    private mutating func pushGlobal(_ module: String, _ name: String) throws(LensError) {
        guard let global = PickleGlobal(module: module, name: name) else {
            let known = "\(module).\(name)".unicodeScalars.prefix(Self.nameLimit)
            throw error(
                "names '\(String(String.UnicodeScalarView(known)))', and this reader knows no such callable: "
                    + "a file of tensors needs none")
        }
        stack.append(.global(global))
    }
}

// MARK: - Tensors

extension PickleMachine {
    /// Calls a function of the closed list.
    private mutating func reduce() throws(LensError) {
        let values = try pop(2)
        guard case .global(let function) = values[0] else { throw error("calls \(values[0].kind)") }
        let arguments = try elements(of: values[1])
        switch function {
        case .orderedDictionary:
            // Python 2 gives the items as a list of pairs.
            var items: [PickleValue] = []
            for pair in try arguments.first.map({ list throws(LensError) in try elements(of: list) }) ?? [] {
                let pair = try elements(of: pair)
                guard pair.count == 2 else { throw error("makes an OrderedDict of something else than pairs") }
                items += pair
            }
            stack.append(.dictionary(try container(items)))
        case .rebuildTensor: try pushTensor(arguments, count: 4...4)
        case .rebuildTensorV2: try pushTensor(arguments, count: 6...7)
        case .rebuildTensorV3: try pushTensor(arguments, count: 7...8)
        case .rebuildParameter:
            guard let first = arguments.first, case .tensor = first else {
                throw error("makes a parameter of \(arguments.first?.kind ?? "nothing"); expected a tensor")
            }
            stack.append(first)
        case .storage, .untypedStorage, .elementType: throw error("calls a type of elements")
        }
    }

    /// `(storage, offset, shape, strides, requires_grad, hooks, …)`, in version 3 with the elements' type.
    private mutating func pushTensor(
        _ arguments: [PickleValue], count: ClosedRange<Int>
    ) throws(LensError) {
        guard count.contains(arguments.count), case .storage(let place) = arguments[0],
            case .integer(let offset) = arguments[1]
        else { throw error("describes a tensor by something else than a storage, an offset, a shape and strides") }
        let storage = storages[place]
        var type = storage.elementType
        if type == nil, count.lowerBound == 7, case .global(.elementType(let named)) = arguments[6] { type = named }
        guard let type else { throw error("has a tensor without a type of elements") }
        // Conjugated and negated views; no weights are that.
        if arguments.count == count.upperBound, count.upperBound > 4, let metadata = arguments.last {
            switch metadata {
            case .none: break
            case .dictionary(let place) where containers[place].isEmpty: break
            default: throw error("has a tensor with metadata, which is not supported")
            }
        }
        guard tensors.count < Self.tensorLimit else {
            throw error("may hold at most \(Self.tensorLimit) tensors; it has more")
        }
        do throws(LensError) {
            let tensor = try PickledTensor(
                of: storage, type, offset: offset, shape: integers(arguments[2]), strides: integers(arguments[3]))
            tensors.append(tensor)
        } catch {
            throw .invalidArgument("\(reader.name): \(error.message)")
        }
        stack.append(.tensor(tensors.count - 1))
    }

    /// `("storage", type, key, device, elements[, view])`
    private mutating func pushStorage() throws(LensError) {
        let reference = try pop(1)
        let parts = try elements(of: reference[0])
        guard parts.count == 5 || parts.count == 6, case .string("storage") = parts[0],
            case .global(let global) = parts[1], case .string(let key) = parts[2], case .string = parts[3],
            case .integer(let count) = parts[4], count >= 0, key.utf8.count <= Self.nameLimit
        else { throw error("refers to something else than a storage") }
        let type: StoredType?
        switch global {
        case .storage(let stored): type = stored
        case .untypedStorage: type = nil
        default: throw error("has a storage '\(key)' without a type of elements")
        }
        guard !count.multipliedReportingOverflow(by: type?.size ?? 1).overflow else {
            throw error("has a storage '\(key)' of \(count) elements, which overflows")
        }
        var elements = 0..<count
        if parts.count == 6, case .tuple = parts[5] {
            let view = try self.elements(of: parts[5])
            guard view.count == 3, case .integer(let start) = view[1], case .integer(let length) = view[2],
                start >= 0, length >= 0, start <= count, length <= count - start
            else { throw error("has a view that leaves its storage '\(key)' of \(count) elements") }
            elements = start..<start + length
        } else if parts.count == 6 {
            guard case .none = parts[5] else { throw error("has a view of a storage that is \(parts[5].kind)") }
        }
        let storage = PickledStorage(key: key, elementType: type, wholeCount: count, elements: elements)
        if let place = storagePlaces[key] {
            let earlier = storages[place]
            guard earlier.elementType == type, earlier.wholeCount == count else {
                throw error("describes storage '\(key)' in two ways")
            }
            if earlier == storage {
                stack.append(.storage(place))
                return
            }
        }
        guard storages.count < Self.containerLimit else {
            throw error("may refer to at most \(Self.containerLimit) storages; it has more")
        }
        storages.append(storage)
        if storagePlaces[key] == nil { storagePlaces[key] = storages.count - 1 }
        stack.append(.storage(storages.count - 1))
    }

    private func integers(_ value: PickleValue) throws(LensError) -> [Int] {
        var integers: [Int] = []
        for element in try elements(of: value).prefix(SafetensorsHeader.rankLimit + 1) {
            guard case .integer(let integer) = element else {
                throw error("has \(element.kind) among a tensor's sizes or strides")
            }
            integers.append(integer)
        }
        return integers
    }

    // MARK: - Results

    /// A tuple's or list's elements.
    func elements(of value: PickleValue) throws(LensError) -> [PickleValue] {
        switch value {
        case .tuple(let place), .list(let place): return containers[place]
        default: throw error("has \(value.kind) where a tuple is expected")
        }
    }

    /// A dictionary's entries in their order; keys must be strings.
    func entries(of value: PickleValue) throws(LensError) -> [(key: String, value: PickleValue)] {
        guard case .dictionary(let place) = value else {
            throw error("must hold a state dict, a dictionary of tensors; it holds \(value.kind)")
        }
        let flat = containers[place]
        var entries: [(key: String, value: PickleValue)] = []
        for index in stride(from: 0, to: flat.count, by: 2) {
            guard case .string(let key) = flat[index] else {
                throw error("has a dictionary with \(flat[index].kind) as a key; expected a string")
            }
            entries.append((key, flat[index + 1]))
        }
        return entries
    }
}
