import Glibc
import LensCore
import LensEngine
import LensModel
import LensTestSupport
import Synchronization
import Testing

/// Sees whether a model is still in memory, and does not keep it there.
private final class WeakModel {
    private weak var model: LanguageModel?
    init(_ model: LanguageModel?) { self.model = model }
    var isThere: Bool { model != nil }
}

/// Which models are in memory, who may use them, and what happens to those who are in the middle of it.
@Suite struct ModelRegistryTests {
    private func code(_ body: () async throws(LensError) -> Void) async -> StatusCode {
        do throws(LensError) {
            try await body()
            return .ok
        } catch {
            return error.code
        }
    }

    // MARK: - Room

    @Test func longestUnusedMakesRoom() async throws {
        let fixture = try RegistryFixture(["a", "b", "c", "d"], budget: 3.5)
        for name in ["a", "b", "c", "b", "d"] {
            try await fixture.use(name)
            try await fixture.waitForUse()
        }
        #expect(fixture.names(.resident) == ["a", "b", "d"])
        // It comes back when somebody asks, and now the other one goes.
        try await fixture.use("c")
        #expect(fixture.names(.resident) == ["a", "c", "d"])
        #expect(fixture.registry.heldBytes == 3 * RegistryFixture.weightBytes)
    }

    @Test func defaultAndPinnedStay() async throws {
        let fixture = try RegistryFixture(["a", "b", "c"], budget: 2.5, pinned: ["b"])
        try await fixture.use(nil)
        try await fixture.use("b")
        do {
            try await fixture.use("c")
            Issue.record("there was no room")
        } catch {
            #expect(error.code == .resourceExhausted)
            #expect(error.message.contains("needs 1 MiB") && error.message.contains("are held by models"))
        }
        #expect(fixture.names(.resident) == ["a", "b"])
    }

    @Test func whatIsInUseStays() async throws {
        let fixture = try RegistryFixture(["a", "b", "c"], budget: 2.5)
        try await fixture.use("a")
        var held: RegisteredModel? = try await fixture.use("b")
        try await fixture.waitForUse(["b"])
        #expect(await code { () throws(LensError) in try await fixture.use("c") } == .resourceExhausted)
        withExtendedLifetime(held) {}
        held = nil
        try await fixture.use("c")
        #expect(fixture.names(.resident) == ["a", "c"])
    }

    @Test func tooLargeIsRefusedUpFront() async throws {
        let fixture = try RegistryFixture(["a"], budget: 0.5)
        fixture.gate.close()
        do {
            try await fixture.use("a")
            Issue.record("it cannot fit")
        } catch {
            #expect(error.code == .resourceExhausted)
            #expect(error.message.contains("model 'a' needs") && error.message.contains("--memory"))
        }
        #expect(fixture.registry.heldBytes == 0)
    }

    @Test func configuredModelsFillTheRoomThereIs() async throws {
        let fixture = try RegistryFixture(["a", "b", "c"], budget: 2.5)
        var resident: [String] = []
        try await fixture.registry.loadConfigured { model, outcome in
            if case .resident = outcome { resident.append(model.name) }
        }
        #expect(resident == ["a", "b"])
        #expect(fixture.names(.known) == ["c"])
    }

    @Test func brokenDefaultModelIsNamed() async throws {
        let fixture = try RegistryFixture(["broken", "a"], budget: 9)
        do throws(ModelRegistry.StartFailure) {
            try await fixture.registry.loadConfigured { _, _ in }
            Issue.record("it is broken")
        } catch {
            #expect(error.model.name == "broken" && error.error.code == .notFound)
        }
    }

    /// One bad entry of a configuration is no reason to serve nobody.
    @Test func brokenConfiguredModelIsHeldBack() async throws {
        let fixture = try RegistryFixture(["a", "broken", "b"], budget: 9)
        var failed: [String: StatusCode] = [:]
        try await fixture.registry.loadConfigured { model, outcome in
            if case .failed(let error) = outcome { failed[model.name] = error.code }
        }
        #expect(failed == ["broken": .notFound])
        #expect(fixture.names(.resident) == ["a", "b"])
        let opened = fixture.openCount
        #expect(await code { () throws(LensError) in try await fixture.use("broken") } == .failedPrecondition)
        #expect(fixture.openCount == opened)
    }

    // MARK: - Unloading

    @Test func unloadedStaysAwayUntilItIsLoaded() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        try await fixture.use("b")
        try await fixture.waitForUse()
        #expect(try fixture.registry.unload("b", by: RegistryFixture.administrator) == false)
        #expect(fixture.registry.heldBytes == 0)
        #expect(await code { () throws(LensError) in try await fixture.use("b") } == .failedPrecondition)
        #expect(throws: LensError.self) { try fixture.registry.unload("b", by: RegistryFixture.administrator) }
        try await fixture.load("b")
        try await fixture.use("b")
    }

    @Test func memoryGoesBackWithTheLastUse() async throws {
        let fixture = try RegistryFixture(["a", "b", "c"], budget: 2.5)
        try await fixture.use("a")
        var held: RegisteredModel? = try await fixture.use("b")
        try await fixture.waitForUse(["b"])
        let model = WeakModel(held?.model)
        #expect(try fixture.registry.unload("b", by: RegistryFixture.administrator) == true)
        // Still there, still counted, and nobody's room.
        #expect(model.isThere && fixture.registry.heldBytes == 2 * RegistryFixture.weightBytes)
        #expect(await code { () throws(LensError) in try await fixture.use("c") } == .resourceExhausted)
        withExtendedLifetime(held) {}
        held = nil
        #expect(!model.isThere && fixture.registry.heldBytes == RegistryFixture.weightBytes)
        try await fixture.use("c")
    }

    @Test func unloadEndsALoad() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        fixture.gate.close()
        let waiting = Task { await code { () throws(LensError) in try await fixture.use("b") } }
        try await fixture.waitForLoads()
        _ = try fixture.registry.unload("b", by: RegistryFixture.administrator)
        #expect(await waiting.value == .failedPrecondition)
        #expect(fixture.names(.known) == ["a", "b"] && fixture.registry.heldBytes == 0)
    }

    /// Whoever loads a model after it was unloaded gets it, though its earlier load has not ended yet.
    @Test func loadAfterUnloadHasTheLastWord() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        fixture.gate.close()
        fixture.gate.ignoreCancelling()
        let first = Task { await code { () throws(LensError) in try await fixture.load("b") } }
        try await fixture.waitForLoads()
        _ = try fixture.registry.unload("b", by: RegistryFixture.administrator)
        let second = Task { await code { () throws(LensError) in try await fixture.load("b") } }
        // It waits for the load that ends.
        try await Task.sleep(for: .milliseconds(50))
        fixture.gate.open()
        #expect(await first.value == .failedPrecondition)
        #expect(await second.value == .ok)
        #expect(fixture.names(.resident) == ["b"])
    }

    // MARK: - Loading

    @Test func loadsOfOneNameAreOne() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        fixture.gate.close()
        let loads = (0..<4).map { _ in Task { try await fixture.load("b").model.fingerprint } }
        let uses = (0..<4).map { _ in Task { try await fixture.use("b").model.fingerprint } }
        try await fixture.waitForLoads()
        fixture.gate.open()
        var fingerprints: Set<String> = []
        for task in loads + uses { fingerprints.insert(try await task.value) }
        #expect(fingerprints.count == 1 && fixture.openCount == 1)
    }

    @Test func progressReachesTheEnd() async throws {
        let fixture = try RegistryFixture(["a"], budget: 9)
        let log = ProgressLog()
        _ = try await fixture.registry.load("a", by: RegistryFixture.administrator, control: CallControl()) {
            log.append(($0.doneBytes, $0.totalBytes))
        }
        let last = try #require(log.last)
        #expect(last.0 == last.1 && last.1 > 0)
        #expect(fixture.registry.list(for: RegistryFixture.user).states.map { $0.loadSeconds > 0 } == [true])
    }

    @Test func cancelledLoadLeavesNothing() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 2.5)
        try await fixture.use("a")
        fixture.gate.close()
        let load = Task { await code { () throws(LensError) in try await fixture.load("b") } }
        try await fixture.waitForLoads()
        try await fixture.waitForBytes(ofModels: 2)
        load.cancel()
        #expect(await load.value == .cancelled)
        try await fixture.waitForLoads(0)
        #expect(fixture.registry.heldBytes == RegistryFixture.weightBytes)
        fixture.gate.open()
        // It was nobody's fault: the next one gets it.
        try await fixture.use("b")
    }

    @Test func loadThatSomebodyAskedForGoesOn() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        fixture.gate.close()
        let use = Task { await code { () throws(LensError) in try await fixture.use("b") } }
        try await fixture.waitForLoads()
        use.cancel()
        #expect(await use.value == .cancelled)
        fixture.gate.open()
        try await fixture.waitForLoads(0)
        #expect(fixture.names(.resident) == ["b"])
    }

    @Test func failedLoadIsNamedAndHarmless() async throws {
        let fixture = try RegistryFixture(["a", "broken"], budget: 9)
        try await fixture.use("a")
        do {
            try await fixture.load("broken")
            Issue.record("it is broken")
        } catch {
            #expect(error.code == .notFound && error.message.contains("/nonexistent/broken"))
        }
        // Users are not told paths, and nobody's asking makes the daemon read it again and again.
        let opened = fixture.openCount
        #expect(await code { () throws(LensError) in try await fixture.use("broken") } == .failedPrecondition)
        #expect(fixture.openCount == opened)
        let note = try #require(fixture.registry.list(for: RegistryFixture.user).states.last?.note)
        #expect(note == "could not be loaded")
        #expect(fixture.names(.resident) == ["a"])
    }

    @Test func stoppingEndsLoads() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        fixture.gate.close()
        let load = Task { await code { () throws(LensError) in try await fixture.load("a") } }
        try await fixture.waitForLoads()
        fixture.registry.stop()
        #expect(await load.value == .unavailable)
        #expect(await code { () throws(LensError) in try await fixture.use("b") } == .unavailable)
    }

    // MARK: - Names

    @Test func recordedRunsFindTheirModelUnderItsNewName() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        let model = try await fixture.use("b").model
        let recipe = Recipe(
            fingerprint: model.fingerprint, model: ModelReference(name: "b"), tokens: [[1]], interventions: [])
        try fixture.registry.rename("b", to: "c", by: RegistryFixture.administrator)
        let found = try await fixture.registry.use(recipe, by: RegistryFixture.user, control: CallControl())
        #expect(found.name == "c" && found.model === model)
        #expect(await code { () throws(LensError) in try await fixture.use("b") } == .notFound)

        var other = recipe
        other.fingerprint = String(repeating: "0", count: 64)
        for name in ["c", "gone"] {
            other.model = ModelReference(name: name)
            let outcome = await code { [other] () throws(LensError) in
                _ = try await fixture.registry.use(other, by: RegistryFixture.user, control: CallControl())
            }
            #expect(outcome == .failedPrecondition)
        }
    }

    @Test func renamingIsCareful() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 9)
        let rename = { (name: String, newName: String) in
            await code { () throws(LensError) in
                try fixture.registry.rename(name, to: newName, by: RegistryFixture.administrator)
            }
        }
        #expect(await rename("a", "b") == .alreadyExists)
        #expect(await rename("x", "y") == .notFound)
        for name in ["", "..", ".", "A", "a/b", String(repeating: "a", count: 65)] {
            #expect(await rename("a", name) == .invalidArgument)
        }
        #expect(fixture.names(.known) == ["a", "b"])
    }

    @Test func stateFolderHasModelsByName() async throws {
        let folder = try TemporaryFolder()
        for name in ["gpt", "Not-A-Name"] {
            try folder.link(name, to: RegistryFixture.checkpoint)
        }
        let fixture = try RegistryFixture([], budget: 9, stateModels: StateModels(path: folder.path))
        #expect(fixture.names(.known) == ["gpt"])
        try await fixture.load("gpt")
        try fixture.registry.rename("gpt", to: "gpt-2", by: RegistryFixture.administrator)
        #expect(fixture.names(.resident) == ["gpt-2"])
        #expect(await code { () throws(LensError) in try await fixture.load("gpt") } == .notFound)
        #expect(await code { () throws(LensError) in try await fixture.load("..") } == .notFound)
        _ = try fixture.registry.unload("gpt-2", by: RegistryFixture.administrator)
        try await fixture.load("gpt-2")
    }

    @Test func defaultAmongStateModelsIsTheFirstByName() async throws {
        let folder = try TemporaryFolder()
        for name in ["c", "a", "b"] { try folder.link(name, to: RegistryFixture.checkpoint) }
        let fixture = try RegistryFixture([], budget: 9, stateModels: StateModels(path: folder.path))
        try await fixture.use("b")
        #expect(!fixture.registry.isDefault("b", for: RegistryFixture.user))
        #expect(try await fixture.use(nil).name == "a")
        try fixture.registry.rename("a", to: "z", by: RegistryFixture.administrator)
        #expect(try await fixture.use(nil).name == "b")
        #expect(fixture.registry.list(for: RegistryFixture.user).states.map(\.name) == ["b", "c", "z"])
    }

    /// What cannot be looked at is not gone.
    @Test func unreadableStateFolderForgetsNothing() async throws {
        let (folder, place) = try (TemporaryFolder(), TemporaryFolder())
        try folder.link("gpt", to: RegistryFixture.checkpoint)
        let path = place.path + "/models"
        try place.link("models", to: folder.path)
        let fixture = try RegistryFixture([], budget: 9, stateModels: StateModels(path: path))
        try await fixture.load("gpt")
        _ = try fixture.registry.unload("gpt", by: RegistryFixture.administrator)
        unlink(path)
        // Longer than any name may be: an error that is not absence.
        try place.link("models", to: String(repeating: "x", count: 300))
        #expect(fixture.names(.known) == ["gpt"])
        #expect(await code { () throws(LensError) in try await fixture.use("gpt") } == .failedPrecondition)
        do {
            try await fixture.load("other")
            Issue.record("nobody can say whether it is there")
        } catch {
            #expect(error.code == .failedPrecondition && error.message.hasPrefix("cannot look at \(path)/other: "))
        }
        // To users it is as if it were not there.
        #expect(await code { () throws(LensError) in try await fixture.use("other") } == .notFound)
    }

    // MARK: - Rights

    /// A folder that the configuration gives to some is not found a second time, for all, in the state folder.
    @Test func configuredFoldersAreNotFoundAgain() async throws {
        let folder = try TemporaryFolder()
        for name in ["secret", "private-ft", "open"] {
            try folder.link(name, to: RegistryFixture.folder(in: folder, named: "+\(name)"))
        }
        let access = ModelAccess.only(userIDs: [1001], groupIDs: [])
        let known = [
            KnownModel(name: "unpublished", folder: folder.path + "/private-ft", access: access),
            KnownModel(name: "secret", folder: folder.path + "/+secret", access: access),
        ]
        let fixture = try RegistryFixture(known, budget: 9, stateModels: StateModels(path: folder.path))
        func seen() -> [String] { fixture.registry.list(for: RegistryFixture.user).states.map(\.name) }
        #expect(await code { () throws(LensError) in try await fixture.use("private-ft") } == .notFound)
        #expect(seen() == ["open"])
        try fixture.registry.rename("secret", to: "s2", by: RegistryFixture.administrator)
        #expect(await code { () throws(LensError) in try await fixture.use("secret") } == .notFound)
        #expect(seen() == ["open"])
        do {
            try await fixture.load("secret")
            Issue.record("it is called s2 now")
        } catch {
            #expect(error.code == .notFound && error.message.contains("is that of its model 's2'"))
        }
        try fixture.registry.rename("s2", to: "secret", by: RegistryFixture.administrator)
        RegistryFixture.removeFolders(in: folder)
    }

    @Test func hiddenModelsAreAsIfAbsent() async throws {
        let access = ModelAccess.only(userIDs: [1000], groupIDs: [200])
        let fixture = try RegistryFixture(
            [RegistryFixture.known("secret", access: access), RegistryFixture.known("open")], budget: 9)
        try await fixture.load("secret")
        try await fixture.use("open")
        for caller in [
            Caller(userID: 1000, groupIDs: [], isAdministrator: false),
            Caller(userID: 7, groupIDs: [1, 200], isAdministrator: false), RegistryFixture.administrator,
        ] {
            #expect(try await fixture.use("secret", by: caller).name == "secret")
            #expect(fixture.registry.list(for: caller).resident.map(\.name) == ["secret", "open"])
        }
        let list = fixture.registry.list(for: RegistryFixture.user)
        #expect(list.states.map(\.name) == ["open"] && list.resident.map(\.isDefault) == [true])
        #expect(try await fixture.use(nil).name == "open")
        var messages: Set<String> = []
        for name in ["secret", "absent"] {
            do {
                try await fixture.use(name)
            } catch {
                #expect(error.code == .notFound)
                messages.insert(error.message.replacing("'\(name)'", with: "X"))
            }
        }
        #expect(messages == ["there is no model X; there are: open"])
        let fingerprint = try await fixture.use("open").model.fingerprint
        let recipe = Recipe(
            fingerprint: fingerprint, model: ModelReference(name: "secret"), tokens: [[1]], interventions: [])
        // The same weights under a name that he may use.
        let found = try await fixture.registry.use(recipe, by: RegistryFixture.user, control: CallControl())
        #expect(found.name == "open")
    }

    @Test func onlyTheAdministratorAdministrates() async throws {
        let fixture = try RegistryFixture(["a"], budget: 9)
        let user = RegistryFixture.user
        #expect(
            await code { () throws(LensError) in
                _ = try await fixture.registry.load("a", by: user, control: CallControl())
            } == .permissionDenied)
        #expect(
            await code { () throws(LensError) in _ = try fixture.registry.unload("a", by: user) } == .permissionDenied)
        #expect(
            await code { () throws(LensError) in try fixture.registry.rename("a", to: "b", by: user) }
                == .permissionDenied)
        // Nor does a name that is none tell him more.
        #expect(
            await code { () throws(LensError) in _ = try fixture.registry.unload("x", by: user) } == .permissionDenied)
    }
}
