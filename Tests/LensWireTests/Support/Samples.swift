import LensCore
import LensWire

/// Values of every kind that travels, ordinary and odd.
enum Samples {
    static let tokens = [
        Token(id: 0, text: "<|endoftext|>"), Token(id: 4095, text: " ünd\u{0}\u{FFFD}"), Token(id: .max, text: ""),
    ]
    static let prompts: [Prompt] = [
        .text("Once upon a time", prependBOS: true), .text("", prependBOS: false), .tokens([0, 1, 4095]), .tokens([]),
    ]
    static let interventions = [
        InterventionSpec(hook: "blocks.0.attn.hook_z", action: .zero, selection: Selection(heads: .list([8, 0]))),
        InterventionSpec(hook: "pattern0", action: .mean),
        InterventionSpec(
            hook: "z", layers: .range(start: 0, stop: -1, step: 2), action: .meanOf(.prompts([prompts[0]]))),
        InterventionSpec(
            hook: "resid_pre0", action: .set(operand([2], [0.5, -1])), selection: Selection(positions: .index(-1))),
        InterventionSpec(
            hook: "post0", action: .add(operand([], [2])), selection: Selection(components: .list([3]))),
        InterventionSpec(hook: "z0", action: .scale(-0.5), selection: Selection(prompts: .list([1]))),
        InterventionSpec(hook: "resid_post0", action: .project(operand([3], [1, 0, -2]))),
        InterventionSpec(
            hook: "z0", action: .patch(.run("last"), prompt: 0, positions: .list([2, 1])),
            selection: Selection(heads: .index(2), positions: .range(start: nil, stop: nil, step: 1))),
        InterventionSpec(hook: "z0", action: .patch(.run("last"), prompt: nil, positions: nil)),
        InterventionSpec(hook: "mlp_out0", action: .swap(prompt: 1)),
        InterventionSpec(hook: "pattern0", action: .mask, selection: Selection(sources: .list([0]))),
    ]

    private static func operand(_ shape: [Int], _ values: [Float]) -> Operand {
        do {
            return try Operand(shape: shape, values: values)
        } catch {
            preconditionFailure("a sample cannot be made: \(error)")
        }
    }

    static let raw = ModelReference(name: "tinytales-1l", form: .raw)
    static let fallback = ModelReference(name: nil)

    static let tokenizeRequests = [
        TokenizeRequest(model: raw, prompts: prompts), TokenizeRequest(model: fallback, prompts: []),
    ]
    static let tokenizeReplies = [
        TokenizeReply(model: "m", tokens: [tokens, []], texts: ["a\u{0}b", ""]),
        TokenizeReply(model: "", tokens: [], texts: []),
    ]

    static let runRequests = [
        RunRequest(
            model: raw, session: "work", prompts: prompts, interventions: interventions, topCount: 10,
            wantsPerTokenLoss: true, keep: .names(["z0", "hook_embed"]), isRecorded: false, wantsLoss: false),
        RunRequest(model: fallback, prompts: [], keep: .all),
        RunRequest(model: ModelReference(name: nil, form: .raw), prompts: []),
    ]
    static let runReplies = [
        RunReply(
            runID: "0123456789abcdef0123456789abcdef", model: "m", form: .raw, fingerprint: "f", loss: 2.5,
            prompts: [
                PromptResult(
                    tokens: tokens, loss: 1.25, perTokenLoss: [0.5, .infinity],
                    top: [Prediction(token: tokens[1], logprob: -0.125)]),
                PromptResult(tokens: [], loss: .nan, perTokenLoss: [], top: []),
            ]),
        RunReply(runID: "", model: "", form: .processed, fingerprint: "", loss: .nan, prompts: []),
    ]

    static let hookedRunMessages: [HookedRunMessage] = [
        .start(
            HookedRunRequest(
                run: RunRequest(model: raw, prompts: prompts, keep: .names(["z0"]), isRecorded: false),
                hooks: ["z0", "blocks.1.hook_resid_pre"])),
        .answer(.unchanged), .answer(.replacement(shapes: shapes)), .answer(.replacement(shapes: [])),
        .answer(.values([0, 0, 0x80, 0x3f])),
    ]
    static let shapes = [[3, 1 << 40], []]
    static let activation = HookedActivation(
        hook: "blocks.0.attn.hook_z", elementType: .float32, shapes: shapes, lengths: [3, 0])
    static let hookedRunEvents: [HookedRunEvent] = [
        .start(model: "m", form: .raw, fingerprint: "f"), .hook(.parked(activation)), .hook(.kept(activation)),
        .hook(.values([0, 0, 0x80, 0x3f])),
        .result(
            RunReply(
                runID: "r", model: "m", form: .processed, fingerprint: "f", loss: 1.5,
                prompts: [PromptResult(tokens: tokens, loss: 1.5, perTokenLoss: [], top: [])])),
    ]

    static let gradientMessages: [GradientMessage] = [
        .start(
            GradientRequest(
                model: raw, prompts: prompts, interventions: interventions,
                terms: [
                    GradientTerm(.loss(isSum: false), weight: 0.5), GradientTerm(.loss(isSum: true), weight: 0),
                    GradientTerm(.logit(prompt: 1, position: -1, token: 7), weight: -1),
                    GradientTerm(.logProbability(prompt: 0, position: 3, token: 0)),
                ], cotangents: ["z0"], replacements: ["resid_pre1", "z1"], wanted: ["hook_embed"], stops: ["q0"])),
        .answer(.replacement(shapes: shapes)),
    ]
    static let gradientEvents: [GradientEvent] = [
        .start(model: "m", form: .raw, fingerprint: "f", value: -1.5), .hook(.parked(activation)),
        .hook(.values([0, 0, 0x80, 0x3f])),
    ]

    static let queryRequests = [
        QueryRequest(
            source: .run("last"), hook: "pattern0",
            slice: TensorSlice([
                .index(-3), .range(start: nil, stop: nil, step: 1), .range(start: -4, stop: 0, step: -2), .ellipsis,
            ]), prompts: [0, 2]),
        QueryRequest(source: .prompts(raw, prompts, interventions), hook: "z0"),
        QueryRequest(source: .run(""), hook: "", slice: TensorSlice([])),
    ]
    static let queryEvents: [QueryEvent] = [
        .header(
            TensorHeader(
                hook: "blocks.0.attn.hook_pattern", prompt: 1, elementType: .float32, shape: [16, 32, 32],
                model: "m@raw", fingerprint: "f", tokens: tokens)),
        .header(
            TensorHeader(
                hook: "hook_tokens", prompt: 0, elementType: .int32, shape: [], model: "", fingerprint: "",
                tokens: [])),
        .values([0, 0, 128, 63]), .values([]),
    ]

    static let sweepRequests = [
        SweepRequest(
            model: raw, session: "s", prompts: prompts, interventions: [interventions[0]],
            sweep: SweepSpec(
                edits: [
                    InterventionSpec(
                        hook: "pattern", layers: .range(start: 1, stop: nil, step: 2),
                        action: .patch(.run("last"), prompt: 1, positions: .list([2, 0])),
                        selection: Selection(heads: .list([3, 0]), positions: .index(-1)))
                ],
                axes: SweepAxis.allCases, isPaired: true,
                metrics: [
                    .loss, Metric(.tokenLoss), Metric(.logit, tokens: [5], positions: [-2]),
                    Metric(.logitDifference, tokens: [1, 2], wrongTokens: [3, 4], positions: [0, -1]),
                    Metric(.probability, tokens: [7]), Metric(.divergence, positions: [1]),
                ],
                path: SweepSpec.Path(
                    receivers: [
                        SweepSpec.Receiver(hook: "k5", selection: Selection(heads: .index(1))),
                        SweepSpec.Receiver(
                            hook: "mlp_in", layers: .list([2]),
                            selection: Selection(positions: .index(0), components: .index(9))),
                    ], holdsMLPs: true)),
            isRecorded: false),
        SweepRequest(model: fallback, prompts: []),
    ]
    static let sweepEvents: [SweepEvent] = [
        .progress(done: 0, total: 16), .progress(done: 16, total: 16),
        .header(
            SweepReply(
                runID: "r", model: "m", form: .processed, fingerprint: "f", action: "patch", hooks: ["z", "mlp_out"],
                axes: [.init(.layer, entries: [0, 1]), .init(.position, entries: [3, 0])], isPaired: true,
                tokens: [tokens, []],
                metrics: [
                    MetricValues(
                        metric: .loss, baseline: 3.5, baselines: [3, 4], values: [], standardErrors: [], columns: []),
                    MetricValues(
                        metric: Metric(.logit, tokens: [5], positions: [-1]), baseline: -0.5, baselines: [], values: [],
                        standardErrors: [], columns: []),
                ])),
        .values(SweepPart(metric: 1, values: [4, -0.5], standardErrors: [0.25, 0], columns: [1, 2, 3, 4])),
        .values(SweepPart(metric: 0, values: [], standardErrors: [], columns: [])),
    ]

    static let generateRequests = [
        GenerateRequest(
            model: raw, session: "s", prompts: prompts, interventions: interventions,
            options: GenerationOptions(
                maxNewTokens: 20, temperature: 0.5, topK: 50, topP: 0.25, frequencyPenalty: 1.5, seed: 1 << 63 - 1,
                stopsAtEOS: false, eosTokens: [0, 4095], stopStrings: [".", "ü\n"]),
            isRecorded: false),
        GenerateRequest(
            model: fallback, prompts: [],
            options: GenerationOptions(maxNewTokens: 1, temperature: 0, topK: 0, topP: 0, seed: 0)),
    ]
    static let generateEvents: [GenerateEvent] = [
        .tokens([
            GeneratedTokens(
                prompt: 1,
                tokens: [
                    GeneratedToken(token: tokens[0], logprob: -0.5), GeneratedToken(token: tokens[1], logprob: -2),
                ], text: " ü"),
            GeneratedTokens(prompt: 0, tokens: [], text: ""),
        ]),
        .result(
            prompt: 1,
            Generation(tokens: tokens, promptLength: 2, logprobs: [-0.5], text: " ü", finishReason: .eos)),
        .end(
            GenerateReply(
                runID: "r", model: "m", form: .raw, fingerprint: "f",
                options: GenerationOptions(maxNewTokens: 20, seed: 7), prompts: [])),
    ]

    static let hookedGenerateMessages: [HookedGenerateMessage] = [
        .start(HookedGenerateRequest(generation: generateRequests[0], hooks: ["z0", "blocks.1.hook_resid_pre"])),
        .answer(.unchanged), .answer(.values([0, 0, 0x80, 0x3f])),
    ]
    static let hookedGenerateEvents: [HookedGenerateEvent] = [
        .hook(.parked(activation)), .hook(.values([0, 0, 0x80, 0x3f])), .generation(generateEvents[0]),
    ]

    static let scoreHeadsRequests = [HeadScoresRequest(model: raw, prompts: prompts)]
    static let scoreHeadsReplies = [
        HeadScoresReply(
            model: "m", fingerprint: "f", tokens: [tokens],
            heads: [
                HeadScores(
                    layer: 1, head: 2, toSelf: 0.1, toPrevious: 0.2, distance: 3, toDistance: 0.3, toFirst: 0.4,
                    toDuplicate: 0.5, toInduction: 0.6, evenDuplicate: 0.05, evenInduction: 0.06, entropy: 0.7,
                    structure: 1.5, position: 0.25, detectPrevious: 0.8, detectDuplicate: 0.9, detectInduction: 1,
                    kinds: [
                        HeadFinding(kind: .distance(3), score: 0.3, why: "ü"),
                        HeadFinding(kind: .broad, score: 0.7, why: ""),
                    ])
            ])
    ]

    static let splitScoreRequests = [
        ScoreSplitRequest(source: .run("last"), layer: 1, head: 2),
        ScoreSplitRequest(
            source: .prompts(raw, prompts, []), prompt: 3, layer: 4, head: 5, destinations: [-1, 0], sources: [2],
            detail: .components, isRelative: true, topCount: 6),
    ]
    static let splitScoreReplies = [
        ScoreSplitReply(
            model: "m", form: .raw, fingerprint: "f", tokens: tokens, destinations: [1], sources: [0, 2],
            components: [ResidualComponent(.embed), ResidualComponent(.head, layer: 0, index: 3)],
            scores: [0.5, -.infinity], pattern: [1, 0], terms: [1, 0, 2, 0, 3, 0, -5.5, 0], positionBias: [-0.5, 0],
            softCap: 50, isRotary: true,
            top: [
                ScorePair(
                    query: ResidualComponent(.head, layer: 0, index: 3), key: ResidualComponent(.embed), value: 3)
            ]),
        ScoreSplitReply(
            model: "m", form: .processed, fingerprint: "f", tokens: [], destinations: [], sources: [],
            components: [ResidualComponent(.mlp), ResidualComponent(.attention, layer: 2)], scores: [], pattern: [],
            terms: []),
    ]
    static let logitLensRequests = [
        LogitLensRequest(source: .run("last"), topCount: 0),
        LogitLensRequest(
            source: .prompts(raw, prompts, []), positions: [-1, 3], layers: [-2], withMid: true, topCount: 7,
            tokens: [0, 4095]),
    ]
    static let logitLensReplies = [
        LogitLensReply(
            model: "m", form: .raw, fingerprint: "f",
            points: ["blocks.0.hook_resid_pre", "blocks.0.hook_resid_post"], vocabulary: tokens, tokens: [4095],
            topCount: 1,
            prompts: [
                PromptLens(
                    tokens: tokens, positions: [2], topTokens: [0, 4095], topLogprobs: [-0.5, -0.25],
                    logSums: [1, 2], entropies: [3, 4], divergences: [0.5, 0], nextLogprobs: [-1, -2],
                    nextRanks: [-1, 3], tokenLogprobs: [-3, -4], tokenRanks: [5, 0])
            ])
    ]

    static let attributeRequests = [
        AttributionRequest(source: .run("last")),
        AttributionRequest(
            source: .prompts(raw, prompts, []), tokens: [5, 6], wrongTokens: [7, 8], positions: [-1, 0],
            detail: .neurons, topCount: 9, withMid: true),
    ]
    static let attributeReplies = [
        AttributionReply(
            model: "m", form: .raw, fingerprint: "f",
            components: [ResidualComponent(.embed), ResidualComponent(.head, layer: 0, index: 3)],
            prompts: [
                PromptAttribution(
                    tokens: tokens, positions: [2], answers: [tokens[0]], wrong: [tokens[1]], totals: [1.5],
                    terms: [1, 0.5], neurons: [NeuronTerm(layer: 1, neuron: 2, value: -0.5)])
            ])
    ]
    static let reduceRequests = [
        ReductionRequest(
            source: .run("last"),
            reductions: [
                Reduction(.entropy, of: "pattern"), Reduction(.diagonal, of: "pattern0", offset: -3),
                Reduction(.top, of: "post0", count: 4),
            ])
    ]
    static let reduceReplies = [
        ReductionReply(
            model: "m", form: .processed, fingerprint: "f",
            prompts: [
                ReducedPrompt(
                    tokens: tokens,
                    activations: [
                        ReducedActivation(hook: "h", reduction: 1, shape: [2, 1], values: [1, .nan], indices: [7, 0])
                    ])
            ])
    ]
    static let detectHeadsRequests = [
        HeadDetectionRequest(source: .run("last")),
        HeadDetectionRequest(
            source: .prompts(raw, prompts, []), kinds: [.induction, .target], measure: .abs, excludesBOS: true,
            excludesCurrentToken: true, target: [1, 0, 0.5, 1]),
    ]
    static let detectHeadsReplies = [
        HeadDetectionReply(
            model: "m", form: .raw, fingerprint: "f", tokens: [tokens],
            detections: [HeadDetection(kind: .previousToken, scores: [0.5, .nan])])
    ]
    static let scoreInductionRequests = [
        InductionRequest(model: raw, length: 5, batch: 6, seed: .max, prependBOS: true)
    ]
    static let scoreInductionReplies = [
        InductionReply(
            model: "m", form: .raw, fingerprint: "f", sequences: [[1, 2, 1, 2], []], scores: [0.25, 0.5])
    ]

    static let headAtlasRequests = [
        HeadAtlasRequest(model: raw, prompts: prompts, ablation: .mean, pairCount: 5, withPage: true, title: "ü"),
        HeadAtlasRequest(model: raw, ablation: nil, pairCount: 0),
    ]
    static let headAtlasEvents: [HeadAtlasEvent] = [
        .progress(.repeats, done: 3, total: 6),
        .header(
            HeadAtlas(
                model: "m", form: .raw, fingerprint: "f", isBuiltInCorpus: true, promptCount: 2, tokenCount: 30,
                predictionCount: 28, baselineLoss: 0.5, ablation: .zero, repeatedLength: 50, heads: [])),
        .heads([
            HeadProfile(
                scores: scoreHeadsReplies[0].heads[0], repeats: RepeatScores(duplicate: 0.1, induction: 0.2),
                tokens: 0.3, byDistance: [0.5, 0.25],
                pairs: [TokenPair(destination: tokens[0], source: tokens[1], weight: 0.75, places: 7)], loss: 2,
                delta: 1.5, standardError: 0.25, copying: -0.5),
            HeadProfile(
                scores: scoreHeadsReplies[0].heads[0], loss: 0, delta: 0, standardError: 0, copying: 0),
        ]),
        .page([0x3c, 0xc3, 0xbc]),
    ]

    static let parameterRequests = [
        ParameterRequest(model: raw, name: "blocks.0.attn.W_Q", slice: TensorSlice([.index(-1), .ellipsis])),
        ParameterRequest(model: ModelReference(name: "m"), name: "W_E"),
    ]
    static let parameterLists = [
        ParameterList(
            model: "m@raw", fingerprint: "f",
            parameters: [
                ParameterShape(name: "embed.W_E", shape: [4096, 256]), ParameterShape(name: "unembed.b_U", shape: [7]),
            ])
    ]
    static let circuitRequests = [
        CircuitRequest(
            model: raw, kind: .qk, heads: [HeadPlace(layer: 1, head: 2), HeadPlace(layer: 0, head: 0)],
            tokens: [0, 4095], topCount: 7, wantsSmallest: true),
        CircuitRequest(model: ModelReference(name: "m"), kind: .ov, topCount: 0),
    ]
    static let circuitEvents: [CircuitEvent] = [
        .progress(done: 1, total: 2),
        .header(HeadCircuits(model: "m", form: .raw, fingerprint: "f", kind: .qk)),
        .head(
            HeadCircuit(
                place: HeadPlace(layer: 1, head: 2), score: -0.5, bareScore: .nan,
                eigenvalues: [Eigenvalue(real: -2, imaginary: 0.5), Eigenvalue(real: 1, imaginary: 0)])),
        .entries([
            CircuitEntry(row: tokens[0], column: tokens[1], value: 1.5),
            CircuitEntry(row: tokens[1], column: tokens[1], value: -0.25),
        ]),
    ]
    static let compositionRequests = [
        CompositionRequest(model: raw, kind: .v), CompositionRequest(model: ModelReference(name: nil), kind: .q),
    ]
    static let weightEvents: [WeightEvent] = [
        .progress(done: 1, total: 2),
        .header(WeightHeader(name: "W_E", shape: [2, 1], model: "m", fingerprint: "f")),
        .values([0, 0, 0x80, 0x3f]),
    ]

    static let model = ModelDescription(
        name: "tinytales-1l", configuration: configuration, fingerprint: "f", weightBytes: 1 << 40,
        parameterCount: 2_000_000, isDefault: true, bosTokenID: 0)

    /// Every field with a value that is not its default.
    static let configuration = {
        var c = ModelConfiguration(
            originalArchitecture: "GPTNeoForCausalLM", nLayers: 2, nHeads: 16, dModel: 256, dHead: 16, dMLP: 1024,
            nCtx: 256, dVocab: 4096)
        c.nKeyValueHeads = 4
        c.embedScale = 16
        c.postEmbeddingLn = true
        c.positionalEmbedding = .rotary(
            Rotary(
                dim: 8, base: 500_000, adjacentPairs: true,
                scaling: .llama3(
                    factor: 8, lowFrequencyFactor: 1, highFrequencyFactor: 4, originalContext: 8192)))
        c.normalizationType = .rms
        c.normPlacement = .beforeAndAfter
        c.finalRMS = true
        c.parallelAttnMLP = true
        c.gatedMLP = true
        c.actFn = .silu
        c.attnScale = 1
        c.scaleAttnByInverseLayerIdx = true
        c.attnScoresSoftCap = 50
        c.qkNorm = .perHead
        c.clipQKV = 8
        c.attnTypes = [.global, .local]
        c.windowSize = 256
        c.outputLogitsSoftCap = 30
        c.defaultPrependBOS = false
        return c
    }()

    static let daemonStatuses = [
        DaemonStatus(
            version: DaemonVersion(lensd: "0.1.0", wireProtocol: 1, blas: "OpenBLAS 0.3.21", sqlite: "3.40.1"),
            uptimeSeconds: 1.5, processID: 42, residentBytes: 1 << 33, models: [model], queuedJobs: 1, runningJobs: 2,
            cacheBytes: 3, cacheCapacityBytes: 4, threads: 2, connections: 7, modelStates: modelStates,
            weightBytes: 5 << 30, weightBudgetBytes: 6 << 30, own: amounts, quota: SharedAmounts())
    ]

    static let amounts = SharedAmounts(
        connections: 1, callsInFlight: 2, queuedJobs: 3, sessions: 4, storedBytes: 1 << 40, cachedBytes: 6)

    static let usages = [
        DaemonUsage(
            users: [
                DaemonUsage.User(userID: 0, amounts: SharedAmounts()),
                DaemonUsage.User(userID: 4_294_967_295, amounts: amounts),
            ], quota: amounts),
        DaemonUsage(users: [], quota: SharedAmounts()),
    ]

    static let activityRequests = [ActivityRequest(ofAll: true), ActivityRequest()]

    static let activities = [
        DaemonActivity(
            calls: [
                CallInFlight(
                    userID: 1000, method: "/lens.v1.Inference/Run", seconds: 1.5, isQueued: true, request: "12.3"),
                CallInFlight(userID: 0, method: "", seconds: 0, isQueued: false, request: ""),
            ], callsInFlight: 3, callsEnded: 1 << 40, callsFailed: 5,
            engine: EngineTotals(passes: 1, rows: 2, cacheHits: 3, cacheMisses: 4)),
        DaemonActivity(calls: [], callsInFlight: 0, callsEnded: 0, callsFailed: 0),
    ]

    static let modelStates = [
        ModelState(
            name: "tinytales-1l", residency: .resident, isDefault: true, isPinned: true, isInUse: true,
            weightBytes: 1 << 40, loadSeconds: 0.25, isConfigured: true),
        ModelState(
            name: "b", residency: .loading, progress: LoadProgress(doneBytes: 1 << 33, totalBytes: 1 << 34)),
        ModelState(name: "c", residency: .known, note: "was unloaded – ü"),
    ]

    static let modelLists = [
        ModelList(resident: [model], states: modelStates), ModelList(resident: [], states: []),
    ]

    static let describeRequests = [raw, fallback, ModelReference(name: nil, form: .raw)]
    static let modelDetails = [
        ModelDetail(
            model: model, form: .raw,
            hooks: [
                HookShape(
                    name: "blocks.{l}.attn.hook_pattern", layers: [0, 1],
                    axes: [
                        .init(name: "n_heads", size: 16), .init(name: "pos", size: 0),
                        .init(name: "source_pos", size: 0),
                    ], isOnDemand: false),
                HookShape(name: "hook_tokens", layers: [], axes: [.init(name: "", size: 1)], isOnDemand: true),
            ],
            steps: [
                StepOutcome(name: "fold_ln", isApplied: true, detail: ""),
                StepOutcome(name: "center_unembed", isApplied: false, detail: "logits are capped"),
            ])
    ]

    static let modelNames = [ModelNameRequest(name: "gpt2-small_1.0")]
    static let renames = [RenameModelRequest(name: "a", newName: "b-2")]
    static let loadEvents: [LoadModelEvent] = [
        .progress(LoadProgress(doneBytes: 1, totalBytes: 1 << 40)), .model(model),
    ]

    static let session = SessionSummary(id: "i", name: "default", createdAt: 1.5, updatedAt: 2.5, runCount: 3)
    static let sharedSession = SessionSummary(
        id: "j", name: "ioi", owner: .max, ownerName: "älice", address: "älice/ioi", createdAt: 1.5, updatedAt: 2.5,
        runCount: 0, note: "a\nnote", isReadOnly: true, grantCount: 2)
    static let sessionRuns = [
        RunSummary(
            id: "r", kind: .sweep, session: "default", createdAt: 1.5, model: "m@raw", fingerprint: "f",
            promptCount: 2, tokenCount: 3, excerpt: "Once …", loss: .nan, detail: "zero of z", note: "n",
            effects: [SweepEffect(place: "L0H8", delta: 1.25), SweepEffect(place: "L0H3+L0H4", delta: -0.5)],
            isImported: true, owner: 1000),
        RunSummary(
            id: "h", kind: .run, session: "default", createdAt: 1.5, model: "m", fingerprint: "f",
            promptCount: 1, tokenCount: 3, excerpt: "", loss: 1.5, isHooked: true,
            edits: ["zero z0 head=8", ""]),
    ]
    static let sessionDetails = [
        SessionDetail(session: session, runs: []),
        SessionDetail(session: sharedSession, runs: sessionRuns, hasMore: true),
    ]
    static let sessionPages = [
        SessionPage(sessions: [], total: 0), SessionPage(sessions: [session, sharedSession], total: 7),
    ]
    static let sessionFindings = [
        SessionFindings(sessions: [session], runs: sessionRuns, hasMore: true),
        SessionFindings(sessions: [], runs: [], hasMore: false),
    ]
    static let grants = [[], [SessionGrant(userID: 1007, userName: "bob", createdAt: 1.5)]]
    static let notes = [
        SetNoteRequest(.session("ioi"), text: "ü\n"), SetNoteRequest(.run("älice/ioi:last"), text: ""),
    ]
    static let exportRequests = [
        ExportSessionRequest(name: "älice/ioi", runs: ["3f9c", ""]), ExportSessionRequest(name: "x"),
    ]
    static let exportEvents: [ExportEvent] = [
        .session(sharedSession, runs: 1 << 40, lensdVersion: "0.1.0"),
        .part(SessionFilePart(json: Array("{}".utf8), isLast: true)), .part(SessionFilePart(json: [], isLast: false)),
    ]
    static let importMessages: [ImportMessage] = [
        .start(CreateSessionRequest(name: "ioi", note: "n")),
        .part(SessionFilePart(json: Array("{".utf8), isLast: false)),
    ]
    static let importEvents: [ImportEvent] = [.taken(runs: 0), .taken(runs: 7), .session(session)]
    static let replayRequests = [ReplaySessionRequest(name: "ioi", runs: ["3f9c"], into: "again")]
    static let replayEvents: [ReplayEvent] = [
        .progress(done: 0, total: 3),
        .run(ReplayedRun(id: "r", kind: .sweep, excerpt: "Once …", outcome: .skipped, remark: "why")),
        .run(
            ReplayedRun(
                id: "h", kind: .generation, excerpt: "", outcome: .differs, lossDifference: 0.5,
                largestDifference: 1.5, fingerprint: "f", recordedAs: "n")),
    ]
    static let reportRequests = [
        SessionReportRequest(session: "ioi", isMarkdown: true), SessionReportRequest(session: "x", isMarkdown: false),
    ]
    static let shares = [ShareSessionRequest(name: "ioi", user: "bob")]

    static let attentionPageRequests = [
        AttentionPageRequest(model: raw, prompt: prompts[0], withAblation: true, action: .mean, title: "<script>"),
        AttentionPageRequest(model: fallback, prompt: prompts[2]),
    ]

    static let storeUsages = [
        StoreUsage(
            accounts: [
                StoredAccount(
                    userID: 1000, name: "änna", isPresent: true, sessionCount: 2, runCount: 3, storedBytes: 1 << 33,
                    firstSeenAt: 1.5, lastUsedAt: 2.5),
                StoredAccount(
                    userID: .max - 1, name: "", isPresent: false, sessionCount: 0, runCount: 0, storedBytes: 0,
                    firstSeenAt: 0, lastUsedAt: 0),
            ], accountCount: 3, quota: SharedAmounts(sessions: 1000, storedBytes: 1 << 30),
            retention: Retention(days: 90), fileBytes: 1 << 34, freeBytes: 4096),
        StoreUsage(
            accounts: [], accountCount: 0, quota: SharedAmounts(), retention: Retention(storedBytes: 1 << 20),
            fileBytes: 0, freeBytes: 0),
    ]
    static let purgeRequests = [
        PurgeRequest(userID: 1000), PurgeRequest(userID: 0, account: .named("änna")),
        PurgeRequest(userID: 7, account: .named("")), PurgeRequest(userID: 7, account: .every),
    ]
    static let purgeReplies = [PurgeReply(sessionCount: 0, runCount: 1 << 33)]
    static let reassignRequests = [
        ReassignRequest(userID: 1000, newUserID: 2000),
        ReassignRequest(userID: 1000, account: .named("anna"), newUserID: 1000),
    ]
    static let storeChecks = [
        StoreCheck(complaints: [], runCount: 7, bytes: 1 << 33),
        StoreCheck(complaints: ["row 3 missing", ""], runCount: 0, bytes: 0),
    ]
    static let backupEvents: [BackupEvent] = [.size(0), .size(1 << 33), .bytes([]), .bytes([0, 255])]

    static let clientFrames = [
        ClientFrame(.hello(ClientHello(protocolVersions: [1, 7], client: "test/1"))),
        ClientFrame(
            callID: .max,
            .start(
                StartCall(
                    method: "/lens.v1.Inference/Run", request: [1, 2], deadlineMilliseconds: 1500, window: 65536,
                    requestID: [0, 255]))),
        ClientFrame(callID: 1, .start(StartCall(method: "", request: []))),
        ClientFrame(callID: 2, .message([])), ClientFrame(callID: 2, .message([0, 255])),
        ClientFrame(callID: 2, .endStream), ClientFrame(callID: 2, .cancel), ClientFrame(callID: 2, .credit(1 << 20)),
        ClientFrame(.ping),
    ]
    static let serverFrames = [
        ServerFrame(
            .hello(ServerHello(protocolVersion: 1, server: "lensd/0", maxRequestBytes: 1, maxReplyBytes: .max))),
        ServerFrame(callID: 3, .message([])), ServerFrame(callID: 3, .message([0, 255])),
        ServerFrame(callID: 3, .status(Status(.ok))), ServerFrame(.status(Status(.dataLoss, "ünd\u{0}"))),
        ServerFrame(callID: 3, .status(Status(.resourceExhausted, "full", retryAfter: .milliseconds(1500)))),
        ServerFrame(callID: 3, .heartbeat), ServerFrame(callID: 3, .credit(5)), ServerFrame(.pong),
    ]
}
