import ArgumentParser
@preconcurrency import Dispatch
import Glibc
import LensCore
import LensTerminal
import Synchronization

/// One run of the program: parse, do, report, exit.
struct Invocation {
    let arguments: [String]

    func execute() async -> Never {
        let interrupt = Interrupt()
        let work = Task {
            var command = try await Lensctl.asyncParseAsRoot(arguments)
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        }
        interrupt.cancels(work)
        let result = await work.result
        if interrupt.hasHappened {
            if isJSON { writeJSON(code: StatusCode.cancelled.name, message: "interrupted") }
            exit(.interrupted)
        }
        switch result {
        case .success: exit(.good)
        case .failure(let error): exit(report(error))
        }
    }

    /// Tells people on standard error, and scripts that asked for JSON on standard output.
    private func report(_ error: any Error) -> ExitStatus {
        // A command that has said everything itself.
        if let code = error as? ExitCode, let status = ExitStatus(rawValue: code.rawValue) { return status }
        if let error = error as? LensError {
            return report(error)
        }
        let status = Lensctl.exitCode(for: error)
        if status == .success {
            // Help, a version, a completion script: what was asked for, not a failure.
            Console(isJSON: false).write(Lensctl.fullMessage(for: error) + "\n")
            return .good
        }
        guard status == .validationFailure else {
            return report(code: StatusCode.internal.name, message: "\(error)", .failure)
        }
        if isJSON { writeJSON(code: StatusCode.invalidArgument.name, message: Lensctl.message(for: error)) }
        // ArgumentParser's message, with the command's usage below it.
        Console.complain(Lensctl.fullMessage(for: error).withoutPrefix("Error: "))
        return .badUsage
    }

    private func report(_ error: LensError) -> ExitStatus {
        let wait = error.retryAfter.map { Double($0.wholeMilliseconds) / 1000 }
        if isJSON { writeJSON(code: error.code.name, message: error.message, retryAfter: wait) }
        Console.complain(error.message + (wait.map { "; trying again can help in \(DecimalText.duration($0))" } ?? ""))
        return ExitStatus(error.code)
    }

    private func report(code: String, message: String, _ status: ExitStatus) -> ExitStatus {
        if isJSON { writeJSON(code: code, message: message) }
        Console.complain(message)
        return status
    }

    /// By the raw arguments, since parsing may be what failed.
    private var isJSON: Bool { arguments.prefix { $0 != "--" }.contains("--json") }

    private func writeJSON(code: String, message: String, retryAfter: Double? = nil) {
        Console(isJSON: true).write(JSON.error(code: code, message: message, retryAfter: retryAfter).text + "\n")
    }

    private func exit(_ status: ExitStatus) -> Never {
        Glibc.exit(status.rawValue)
    }
}

/// Ctrl-C: cancels the work, which tells the daemon; ends the program where that takes too long or on a second one.
private final class Interrupt: Sendable {
    private struct State {
        var hasHappened = false
        var work: Task<Void, any Error>?
    }

    private let state = Mutex(State())
    private let source: any DispatchSourceSignal

    init() {
        signal(SIGINT, SIG_IGN)
        source = DispatchSource.makeSignalSource(signal: SIGINT)
        source.setEventHandler { [unowned self] in happen() }
        source.resume()
    }

    var hasHappened: Bool { state.withLock(\.hasHappened) }

    func cancels(_ work: Task<Void, any Error>) {
        let isLate = state.withLock { state in
            state.work = work
            return state.hasHappened
        }
        if isLate { work.cancel() }
    }

    private func happen() {
        let (isSecond, work) = state.withLock { state in
            defer { state.hasHappened = true }
            return (state.hasHappened, state.work)
        }
        if isSecond { _exit(ExitStatus.interrupted.rawValue) }
        work?.cancel()
        DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(700)) {
            _exit(ExitStatus.interrupted.rawValue)
        }
    }
}

extension String {
    fileprivate func withoutPrefix(_ prefix: String) -> String {
        hasPrefix(prefix) ? String(dropFirst(prefix.count)) : self
    }
}
