// swift-tools-version: 6.1
import PackageDescription

/// The rooms of lensd and the doors between them; `Sources/Lens.docc` walks through them.
/// A target imports only what it names here: `make lint` compares imports with this file.
let package = Package(
    name: "lensd",
    products: [
        .executable(name: "lensd", targets: ["lensd"]),
        .executable(name: "lensctl", targets: ["lensctl"]),
        .library(name: "LensClient", targets: ["LensClient", "LensCore"]),
        .library(name: "LensReport", targets: ["LensReport", "LensCore"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        // Minor versions are chosen by hand: tensors are lent to the socket through an interface marked as SPI.
        .package(url: "https://github.com/apple/swift-nio", .upToNextMinor(from: "2.101.2")),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // Values that every room speaks.
        .target(name: "LensCore"),

        // Model and mathematics.
        .systemLibrary(name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
        .target(name: "CLensKernels"),
        .target(name: "LensTensor", dependencies: ["CLensKernels", "COpenBLAS", "LensCore"]),
        .target(
            name: "LensCheckpoint",
            dependencies: ["CLensSystem", "LensCore", .product(name: "Crypto", package: "swift-crypto")]),
        .target(
            name: "LensTokenizer", dependencies: ["LensCheckpoint", "LensCore"], exclude: ["Unicode/unicode-tables.py"]),
        .target(name: "LensModel", dependencies: ["LensCheckpoint", "LensCore", "LensTensor", "LensTokenizer"]),
        .target(
            name: "LensEngine",
            dependencies: [
                "CLensSystem", "LensCheckpoint", "LensCore", "LensModel", "LensTensor", "LensTokenizer",
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "HeapModule", package: "swift-collections"),
            ]),

        // Sessions.
        .target(
            name: "LensStore",
            dependencies: [
                "LensCore",
                .product(name: "Crypto", package: "swift-crypto"), .product(name: "GRDB", package: "GRDB.swift"),
            ]),

        // The wire.
        .systemLibrary(
            name: "CProtobufC", pkgConfig: "libprotobuf-c", providers: [.apt(["libprotobuf-c-dev"])]),
        .target(name: "CLensMessages", dependencies: ["CProtobufC"]),
        .target(name: "CLensSystem"),
        .target(
            name: "LensWire",
            dependencies: [
                "CLensMessages", "CLensSystem", "CProtobufC", "LensCore",
                .product(name: "DequeModule", package: "swift-collections"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ]),
        .target(
            name: "LensService",
            dependencies: [
                "LensCore", "LensEngine", "LensReport", "LensStore", "LensWire",
                .product(name: "Logging", package: "swift-log"),
            ]),
        .target(name: "LensClient", dependencies: ["LensCore", "LensWire"]),

        // Pictures.
        .target(
            name: "LensReport", dependencies: ["LensCore"], exclude: ["Assets", "embed-assets.sh", "join-assets.sh"]),
        .target(
            name: "LensExplore",
            dependencies: [
                "LensClient", "LensCore", "LensReport",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            exclude: ["Assets", "embed-assets.sh"]),
        .target(name: "LensTerminal", dependencies: ["LensCore", "LensReport"]),

        // The daemon's configuration file.
        .target(name: "LensConfiguration", dependencies: ["LensCore"]),

        // What the daemon counts.
        .target(
            name: "LensMetrics", dependencies: ["LensCore", .product(name: "CoreMetrics", package: "swift-metrics")]),

        // Programs.
        .executableTarget(
            name: "lensd",
            dependencies: [
                "LensConfiguration", "LensCore", "LensEngine", "LensMetrics", "LensService", "LensStore", "LensTensor",
                "LensWire",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ]),
        .executableTarget(
            name: "lensctl",
            dependencies: [
                "LensCheckpoint", "LensClient", "LensCore", "LensExplore", "LensReport", "LensTerminal",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Clients/lensctl"),
        .executableTarget(
            name: "lens-bench",
            dependencies: [
                "COpenBLAS", "LensCheckpoint", "LensClient", "LensCore", "LensEngine", "LensModel", "LensTensor",
                "LensTokenizer",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        // Tests mirror the sources.
        .target(
            name: "LensTestSupport", dependencies: ["LensCheckpoint", "LensCore", "LensModel"], path: "Tests/Support"),
        .testTarget(name: "LensCoreTests", dependencies: ["LensCore", "LensTestSupport"]),
        .testTarget(name: "LensTensorTests", dependencies: ["LensCore", "LensTensor"]),
        .testTarget(name: "LensCheckpointTests", dependencies: ["LensCheckpoint", "LensCore", "LensTestSupport"]),
        .testTarget(
            name: "LensTokenizerTests",
            dependencies: ["LensCheckpoint", "LensCore", "LensModel", "LensTestSupport", "LensTokenizer"]),
        .testTarget(
            name: "LensModelTests",
            dependencies: ["LensCheckpoint", "LensCore", "LensModel", "LensTensor", "LensTestSupport"]),
        .testTarget(
            name: "LensEngineTests",
            dependencies: [
                "LensCheckpoint", "LensCore", "LensEngine", "LensModel", "LensTensor", "LensTestSupport",
            ]),
        .testTarget(name: "LensConfigurationTests", dependencies: ["LensConfiguration", "LensCore"]),
        .testTarget(name: "LensStoreTests", dependencies: ["LensCore", "LensStore"]),
        .testTarget(
            name: "LensWireTests",
            dependencies: [
                "LensClient", "LensCore", "LensWire",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
            ],
            exclude: ["vectors"]),
        .testTarget(
            name: "LensMetricsTests",
            dependencies: ["LensCore", "LensMetrics", .product(name: "CoreMetrics", package: "swift-metrics")]),
        .testTarget(name: "LensReportTests", dependencies: ["LensCore", "LensReport"]),
        .testTarget(name: "LensExploreTests", dependencies: ["LensCore", "LensExplore", "LensReport"]),
        .testTarget(name: "LensctlTests", dependencies: ["LensCore", "LensTerminal", "lensctl"]),
        .testTarget(name: "LensTerminalTests", dependencies: ["LensCore", "LensReport", "LensTerminal"]),
    ]
)
