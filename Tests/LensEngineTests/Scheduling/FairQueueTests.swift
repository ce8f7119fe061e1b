import LensEngine
import Testing

@Suite struct FairQueueTests {
    private var queue = FairQueue(begunLimit: 1000)

    /// Lets everything in the queue have turns for some time, each of its own length.
    ///
    /// - Returns: seconds by user.
    private mutating func serve(_ seconds: Double, turn: (FairQueue.ID) -> (Urgency, Double)) -> [UInt32: Double] {
        var had: [UInt32: Double] = [:]
        var time = 0.0
        while time < seconds, let next = queue.next() {
            let (urgency, length) = turn(next.id)
            queue.charge(next.user, urgency, seconds: length)
            had[next.user, default: 0] += length
            time += length
            queue.putBack(next.id)
        }
        return had
    }

    @Test mutating func usersShareTheTimeNotTheTurns() {
        for id in 0..<1000 { queue.add(id, .long, bytes: 1, for: 1) }
        queue.add(5000, .long, bytes: 1, for: 2)
        queue.add(5001, .long, bytes: 1, for: 3)
        let had = serve(30) { id in (.long, id < 1000 ? 0.03 : id == 5000 ? 0.1 : 0.001) }
        for user in [UInt32(1), 2, 3] { #expect(abs((had[user] ?? 0) - 10) < 0.2, "\(user): \(had)") }
    }

    @Test mutating func urgentWorkGoesFirst() {
        for id in 0..<1000 { queue.add(id, .long, bytes: 1, for: 1) }
        _ = queue.next()
        #expect(!queue.hasUrgent)
        queue.add(2000, .urgent, bytes: 0, for: 1)
        queue.add(2001, .urgent, bytes: 0, for: 2)
        #expect(queue.hasUrgent)
        let first = [queue.next(urgentOnly: true)?.id, queue.next()?.id]
        #expect(Set(first) == [2000, 2001])
        let none = queue.next(urgentOnly: true)
        #expect(none == nil)
        let last = queue.next()
        #expect(last?.id ?? 9999 < 1000)
    }

    /// However much urgent work somebody sends, another's long work gets its half, and so does his own.
    @Test mutating func urgentWorkStarvesNobody() {
        queue.add(1, .urgent, bytes: 0, for: 1)
        queue.add(2, .long, bytes: 0, for: 2)
        var had = serve(20) { id in id == 1 ? (.urgent, 0.004) : (.long, 0.025) }
        #expect(abs((had[2] ?? 0) - 10) < 0.3, "\(had)")
        queue.remove(2)
        queue.add(3, .long, bytes: 0, for: 1)
        var long = 0.0
        had = serve(20) { id in
            if id == 3 { long += 0.025 }
            return id == 1 ? (.urgent, 0.004) : (.long, 0.025)
        }
        #expect(abs(long - 10) < 0.3)
    }

    /// Who is ahead by too much waits with his urgent work until others have had as much.
    @Test mutating func precedenceEndsWithTheLead() {
        queue.add(1, .urgent, bytes: 0, for: 1)
        queue.add(2, .long, bytes: 0, for: 2)
        queue.charge(1, .urgent, seconds: FairQueue.maximumLead)
        #expect(!queue.hasUrgent)
        let next = queue.next()
        #expect(next?.id == 2)
        queue.charge(2, .long, seconds: 0.01)
        #expect(queue.hasUrgent)
    }

    @Test mutating func fewPiecesAreBegunAtATime() {
        for id in 0..<50 { queue.add(id, .long, bytes: 300, for: 1) }
        for id in 50..<100 { queue.add(id, .long, bytes: 900, for: 2) }
        var begun: Set<Int> = []
        _ = serve(100) { id in
            begun.insert(id)
            return (.long, 0.025)
        }
        // Each user's first, and a second one of whoever fits.
        #expect(begun == [0, 50] || begun == [0, 1, 50])
        queue.remove(0)
        queue.remove(50)
        _ = serve(1) { id in
            begun.insert(id)
            return (.long, 0.025)
        }
        #expect(begun.isSuperset(of: [1, 51]))
    }

    @Test mutating func whatContinuesIsBegunAlready() {
        for id in 0..<100 { queue.add(id, .long, bytes: 900, for: 1) }
        let first = queue.next()
        queue.add(500, .long, bytes: 900, continues: true, for: 1)
        queue.putBack(first?.id ?? 0)
        let turns = [queue.next()?.id, queue.next()?.id]
        #expect(turns.contains(500))
    }

    /// Work that a second user asks for too comes with his turn, wherever it stands with the first.
    @Test mutating func sharedWorkComesWithTheFirstTurn() {
        for id in 0..<1000 { queue.add(id, .long, bytes: 1, for: 1) }
        let running = queue.next()
        queue.putBack(running?.id ?? 0)
        queue.join(900, 2)
        queue.charge(1, .long, seconds: 1)
        #expect(queue.waitingCount(of: 1) == 1000)
        #expect(queue.waitingCount(of: 2) == 1)
        var turn = queue.next()
        #expect(turn?.id == 900)
        #expect(turn?.user == 2)
        #expect(queue.waitingCount(of: 1) == 999)
        queue.putBack(900)
        queue.leave(900, 1)
        #expect(queue.waitingCount(of: 1) == 999)
        turn = queue.next()
        #expect(turn?.id == 900)
        #expect(turn?.user == 2)
        queue.leave(900, 2)
        queue.putBack(900)
        #expect(queue.waitingCount == 999)
        #expect(queue.userCount == 1)
    }

    @Test mutating func nothingIsLeftBehind() {
        for round in 0..<3 {
            for id in 0..<20 {
                queue.add(100 * round + id, id % 2 == 0 ? .urgent : .long, bytes: 100, for: UInt32(id % 5))
            }
            let begun = queue.next()
            for id in 0..<20 { queue.remove(100 * round + id) }
            #expect(begun != nil)
            #expect(queue.waitingCount == 0)
            #expect(queue.userCount == 0)
            let none = queue.next()
            #expect(none == nil)
        }
        // What was begun and removed holds no memory any more.
        queue.add(1000, .long, bytes: 900, for: 1)
        queue.add(1001, .long, bytes: 50, for: 1)
        let both = [queue.next()?.id, queue.next()?.id]
        #expect(both == [1000, 1001])
    }
}
