import Glibc
import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Synchronization

/// A registry over copies of one small checkpoint, with a budget counted in such models.
final class RegistryFixture: Sendable {
    static let administrator = Caller(userID: 0, groupIDs: [0], isAdministrator: true)
    static let user = Caller(userID: 4711, groupIDs: [100], isAdministrator: false)
    static let checkpoint = Fixtures.path("gpt-neo-1l-16h")
    /// Bytes that the checkpoint's weights take.
    static let weightBytes: Int = (try? FolderSource(opening: checkpoint).weightBytes) ?? 0

    let registry: ModelRegistry
    /// Closed, it keeps loads from ending.
    let gate: Gate
    private let opened: Opened

    private final class Opened: Sendable {
        let count = Atomic<Int>(0)
    }

    /// - Parameters:
    ///   - models: the last of them by a name that begins with `broken` cannot be loaded.
    ///   - budget: how many such models there is room for.
    init(_ models: [KnownModel], budget: Double, stateModels: StateModels? = nil) throws {
        let gate = Gate()
        let opened = Opened()
        self.gate = gate
        self.opened = opened
        registry = try ModelRegistry(
            models, budget: Int(budget * Double(Self.weightBytes)), stateModels: stateModels
        ) { (path) throws(LensError) in
            opened.count.add(1, ordering: .relaxed)
            return GatedSource(source: try FolderSource(opening: path), gate: gate)
        }
    }

    convenience init(_ names: [String], budget: Double, pinned: Set<String> = []) throws {
        try self.init(names.map { Self.known($0, isPinned: pinned.contains($0)) }, budget: budget)
    }

    static func known(_ name: String, access: ModelAccess = .everybody, isPinned: Bool = false) -> KnownModel {
        KnownModel(
            name: name, folder: name.hasPrefix("broken") ? "/nonexistent/\(name)" : checkpoint, access: access,
            isPinned: isPinned)
    }

    /// An empty folder, which is a model to whoever only looks.
    static func folder(in folder: TemporaryFolder, named name: String) throws -> String {
        let path = "\(folder.path)/\(name)"
        guard mkdir(path, 0o755) == 0 else { throw LensError(.internal, "cannot make \(path)") }
        return path
    }

    static func removeFolders(in folder: TemporaryFolder) {
        for name in (try? folder.names()) ?? [] { rmdir("\(folder.path)/\(name)") }
    }

    /// How often a model's folder was opened.
    var openCount: Int { opened.count.load(ordering: .relaxed) }

    @discardableResult
    func use(_ name: String?, by caller: Caller = user) async throws(LensError) -> RegisteredModel {
        try await registry.use(ModelReference(name: name), by: caller, control: CallControl())
    }

    @discardableResult
    func load(_ name: String) async throws(LensError) -> RegisteredModel {
        try await registry.load(name, by: Self.administrator, control: CallControl())
    }

    func names(_ residency: ModelState.Residency, for caller: Caller = administrator) -> [String] {
        registry.list(for: caller).states.filter { $0.residency == residency }.map(\.name)
    }

    /// Waits until no model is in use but these: whoever was told of a load may hear of it before its thread lets go.
    func waitForUse(_ names: [String] = []) async throws {
        func used() -> [String] { registry.list(for: Self.administrator).states.filter(\.isInUse).map(\.name) }
        for _ in 0..<2000 where used() != names { try await Task.sleep(for: .milliseconds(2)) }
        guard used() == names else { throw LensError(.internal, "in use: \(used()); expected \(names)") }
    }

    /// Waits until a load of so many models is under way.
    func waitForLoads(_ count: Int = 1) async throws {
        for _ in 0..<2000 where names(.loading).count != count { try await Task.sleep(for: .milliseconds(2)) }
        guard names(.loading).count == count else { throw LensError(.internal, "no load began") }
    }

    /// Until the registry holds the bytes of so many models; a load reserves them a moment after it began.
    func waitForBytes(ofModels count: Int) async throws {
        let bytes = count * Self.weightBytes
        for _ in 0..<2000 where registry.heldBytes != bytes { try await Task.sleep(for: .milliseconds(2)) }
        guard registry.heldBytes == bytes else { throw LensError(.internal, "\(registry.heldBytes) bytes are held") }
    }
}

/// Lets loads pass, or holds them.
final class Gate: Sendable {
    private let isOpen = Atomic<Bool>(true)
    private let isDeaf = Atomic<Bool>(false)
    func close() { isOpen.store(false, ordering: .relaxed) }
    func open() { isOpen.store(true, ordering: .relaxed) }

    /// Loads end only when it opens, as one does that is in the middle of a slow read.
    func ignoreCancelling() { isDeaf.store(true, ordering: .relaxed) }

    func pass(_ control: CallControl) throws(LensError) {
        while !isOpen.load(ordering: .relaxed) {
            if !isDeaf.load(ordering: .relaxed) { try control.check() }
            usleep(500)
        }
    }
}

private struct GatedSource: ModelSource {
    let source: FolderSource
    let gate: Gate
    var weightBytes: Int { source.weightBytes }

    func load(
        control: CallControl, progress: @escaping @Sendable (LoadProgress) -> Void
    ) throws(LensError) -> LanguageModel {
        try gate.pass(control)
        return try source.load(control: control, progress: progress)
    }
}
