import Glibc
import LensCore

/// A thread for one piece of work that takes seconds, so that the tasks that answer calls keep theirs.
enum LoadThread {
    private final class Body: Sendable {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    /// - Throws: `RESOURCE_EXHAUSTED` where the system gives no thread.
    static func start(_ body: @escaping @Sendable () -> Void) throws(LensError) {
        let box = Unmanaged.passRetained(Body(body))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                return nil
            }, box.toOpaque())
        guard failed == 0 else {
            box.release()
            throw .resourceExhausted("the system gives no thread for loading: \(String(cString: strerror(failed)))")
        }
        pthread_detach(thread)
    }
}
