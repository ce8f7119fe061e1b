/// The state of the daemon that answered, for its users.
public struct DaemonStatus: Sendable {
    public var version: DaemonVersion
    public var uptimeSeconds: Double
    public var processID: Int
    /// Resident memory of the process, in bytes.
    public var residentBytes: Int
    public var models: [ModelDescription]
    /// What waits for its turn, of the caller; of everybody for the administrator. So with all that others use.
    public var queuedJobs: Int
    /// Whether the engine computes.
    public var runningJobs: Int
    /// Activations kept at hand.
    public var cacheBytes: Int
    public var cacheCapacityBytes: Int
    public var threads: Int
    public var connections: Int
    /// The models that the caller may use, resident or not.
    public var modelStates: [ModelState]
    /// Bytes of memory that these models' weights take; for the administrator those of all.
    public var weightBytes: Int
    /// Bytes of memory that all weights may take together.
    public var weightBudgetBytes: Int
    /// What the caller has.
    public var own: SharedAmounts
    /// What the caller may have at most.
    public var quota: SharedAmounts

    public init(
        version: DaemonVersion, uptimeSeconds: Double, processID: Int, residentBytes: Int, models: [ModelDescription],
        queuedJobs: Int, runningJobs: Int, cacheBytes: Int, cacheCapacityBytes: Int, threads: Int, connections: Int,
        modelStates: [ModelState], weightBytes: Int, weightBudgetBytes: Int, own: SharedAmounts,
        quota: SharedAmounts
    ) {
        self.version = version
        self.uptimeSeconds = uptimeSeconds
        self.processID = processID
        self.residentBytes = residentBytes
        self.models = models
        self.queuedJobs = queuedJobs
        self.runningJobs = runningJobs
        self.cacheBytes = cacheBytes
        self.cacheCapacityBytes = cacheCapacityBytes
        self.threads = threads
        self.connections = connections
        self.modelStates = modelStates
        self.weightBytes = weightBytes
        self.weightBudgetBytes = weightBudgetBytes
        self.own = own
        self.quota = quota
    }
}

/// What a lensd program says of its own version.
public struct DaemonVersion: Sendable, Hashable {
    /// Of lensd, as in the CHANGELOG.
    public var lensd: String
    /// Highest protocol version.
    public var wireProtocol: Int
    /// OpenBLAS's own description of its build and kernel.
    public var blas: String
    public var sqlite: String

    public init(lensd: String, wireProtocol: Int, blas: String, sqlite: String) {
        self.lensd = lensd
        self.wireProtocol = wireProtocol
        self.blas = blas
        self.sqlite = sqlite
    }
}

/// The version of the programs and libraries of this build.
public let lensdVersion = "0.1.0"
