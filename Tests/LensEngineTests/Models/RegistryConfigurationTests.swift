import LensCore
import LensEngine
import LensTestSupport
import Testing

/// A configuration that is read again while models are in use.
@Suite struct RegistryConfigurationTests {
    private let user = RegistryFixture.user

    private func known(_ name: String, _ access: ModelAccess = .everybody) -> KnownModel {
        RegistryFixture.known(name, access: access)
    }

    @Test func accessOrderAndPinsChangeAndNothingIsLoadedAnew() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 3.5)
        try await fixture.use("a")
        try await fixture.use("b")
        let count = fixture.openCount
        let notices = fixture.registry.reconfigure([
            RegistryFixture.known("b", isPinned: true), known("a", .only(userIDs: [], groupIDs: [])),
        ])
        #expect(notices.isEmpty && fixture.openCount == count)
        #expect(fixture.names(.resident) == ["b", "a"] && fixture.names(.resident, for: user) == ["b"])
        #expect(try await fixture.use(nil).name == "b")
        await #expect(throws: LensError.self) { try await fixture.use("a") }
    }

    @Test func whatIsGoneLeavesAndNewcomersComeWhenAsked() async throws {
        let fixture = try RegistryFixture(["a"], budget: 3.5)
        let held = try await fixture.use("a")
        let notices = fixture.registry.reconfigure([
            KnownModel(name: "c", folder: Fixtures.path("gpt-neo-1l-untied")), known("broken"),
        ])
        #expect(notices.count == 1 && notices.first?.contains("'broken'") == true)
        #expect(fixture.names(.known) == ["c", "broken"] && fixture.names(.resident).isEmpty)
        // Who has it goes on with it, and its memory counts until then.
        #expect(fixture.registry.heldBytes == RegistryFixture.weightBytes)
        withExtendedLifetime(held) {}
        await #expect(throws: LensError.self) { try await fixture.use("a") }
        try await fixture.use("c")
        #expect(fixture.names(.resident) == ["c"])
    }

    @Test func anotherFolderIsReadAnew() async throws {
        let fixture = try RegistryFixture(["a"], budget: 3.5)
        let before = try await fixture.use("a").model.fingerprint
        _ = fixture.registry.reconfigure([KnownModel(name: "a", folder: Fixtures.path("gpt-neo-1l-untied"))])
        #expect(fixture.names(.known) == ["a"])
        #expect(try await fixture.use("a").model.fingerprint != before)
    }

    @Test func aRenamedModelGetsItsNameBackWithoutALoad() async throws {
        let fixture = try RegistryFixture(["a"], budget: 3.5)
        try await fixture.use("a")
        try fixture.registry.rename("a", to: "mine", by: RegistryFixture.administrator)
        let count = fixture.openCount
        #expect(fixture.registry.reconfigure([known("a")]).isEmpty)
        #expect(fixture.names(.resident) == ["a"] && fixture.openCount == count)
    }

    @Test func aLoadOfWhatIsGoneEnds() async throws {
        let fixture = try RegistryFixture(["a", "b"], budget: 3.5)
        fixture.gate.close()
        let load = Task { try await fixture.use("b") }
        try await fixture.waitForLoads()
        _ = fixture.registry.reconfigure([KnownModel(name: "a", folder: "/nonexistent")])
        await #expect(throws: LensError.self) { try await load.value }
        fixture.gate.open()
        #expect(fixture.registry.heldBytes == 0)
    }

    @Test func aSmallerBudgetRefusesWhatIsNew() async throws {
        let fixture = try RegistryFixture(["a", "b", "c"], budget: 3.5)
        try await fixture.use("a")
        try await fixture.use("b")
        fixture.registry.budget = RegistryFixture.weightBytes * 3 / 2
        #expect(fixture.names(.resident) == ["a", "b"])
        await #expect(throws: LensError.self) { try await fixture.use("c") }
        fixture.registry.budget = RegistryFixture.weightBytes * 5 / 2
        try await fixture.use("c")
        #expect(fixture.names(.resident) == ["a", "c"])
    }
}
