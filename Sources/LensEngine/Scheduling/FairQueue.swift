import DequeModule

/// Whose turn it is: pieces of work by number, each of one user or of several who ask the same.
///
/// Users share the time evenly. Urgent work goes before long work as long as its user, and urgent work as against his long
/// work, is not ahead by more than ``maximumLead``: so a short call waits for nobody, and nothing starves.
/// Of a user's long work few pieces are begun at a time, since what is begun holds memory.
package struct FairQueue {
    package typealias ID = Int

    /// Seconds by which urgent work may be ahead of what others had.
    package static let maximumLead = 0.1

    package struct Turn: Equatable {
        package let id: ID
        /// Who is charged for it.
        package let user: UInt32
    }

    private struct Ticket {
        let urgency: Urgency
        /// What it holds once it is begun.
        let bytes: Int
        var users: [UInt32]
        var isBegun: Bool
        var isWaiting = true
    }

    private struct User {
        var urgent: Deque<ID> = []
        var fresh: Deque<ID> = []
        var begun: Deque<ID> = []
        /// Of his long work: begun and not finished.
        var begunCount = 0
        /// Waiting or not.
        var urgentCount = 0
        var longCount = 0
        var kinds = FairShare<Urgency>()

        var waitingCount: Int { urgent.count + fresh.count + begun.count }
        var prefersUrgent: Bool { kinds.lead(of: .urgent) < FairQueue.maximumLead }

        mutating func count(_ urgency: Urgency, by difference: Int) {
            let (before, after): (Int, Int)
            switch urgency {
            case .urgent:
                before = urgentCount
                urgentCount += difference
                after = urgentCount
            case .long:
                before = longCount
                longCount += difference
                after = longCount
            }
            if before == 0 { kinds.enter(urgency) }
            if after == 0 { kinds.leave(urgency) }
        }
    }

    private var tickets: [ID: Ticket] = [:]
    private var users: [UInt32: User] = [:]
    private var shares = FairShare<UInt32>()
    private var begunBytes = 0
    private let begunLimit: Int

    /// - Parameter begunLimit: bytes that begun long work may hold; one piece of each user is let in all the same.
    package init(begunLimit: Int) {
        self.begunLimit = begunLimit
    }

    // MARK: - Coming and going

    /// - Parameter continues: whether it goes on with something that is begun already, and so holds its memory.
    package mutating func add(_ id: ID, _ urgency: Urgency, bytes: Int, continues: Bool = false, for user: UInt32) {
        tickets[id] = Ticket(urgency: urgency, bytes: bytes, users: [], isBegun: continues)
        waitingCount += 1
        if urgency == .long, continues { begunBytes += bytes }
        join(id, user)
    }

    /// Another user asks for the same: it comes when the first of them has his turn.
    package mutating func join(_ id: ID, _ user: UInt32) {
        guard var ticket = tickets[id], !ticket.users.contains(user) else { return }
        ticket.users.append(user)
        tickets[id] = ticket
        var entry = users[user] ?? User()
        entry.count(ticket.urgency, by: 1)
        if ticket.urgency == .long, ticket.isBegun { entry.begunCount += 1 }
        users[user] = entry
        shares.enter(user)
        if ticket.isWaiting { line(up: id, ticket, of: user) }
    }

    /// A user does not want it any more.
    package mutating func leave(_ id: ID, _ user: UInt32) {
        guard var ticket = tickets[id], ticket.users.contains(user) else { return }
        ticket.users.removeAll { $0 == user }
        tickets[id] = ticket
        drop(id, ticket, of: user)
        if ticket.users.isEmpty { remove(id) }
    }

    /// Done, or not wanted any more.
    package mutating func remove(_ id: ID) {
        guard let ticket = tickets.removeValue(forKey: id) else { return }
        if ticket.isWaiting { waitingCount -= 1 }
        if ticket.urgency == .long, ticket.isBegun { begunBytes -= ticket.bytes }
        for user in ticket.users { drop(id, ticket, of: user) }
    }

    /// Its step is done and there is more to do.
    package mutating func putBack(_ id: ID) {
        guard var ticket = tickets[id], !ticket.isWaiting else { return }
        ticket.isWaiting = true
        waitingCount += 1
        tickets[id] = ticket
        for user in ticket.users { line(up: id, ticket, of: user) }
    }

    package mutating func charge(_ user: UInt32, _ urgency: Urgency, seconds: Double) {
        shares.charge(user, seconds)
        users[user]?.kinds.charge(urgency, seconds)
    }

    // MARK: - Turns

    /// The next piece of work, which is then no longer waiting; who of its users has his turn is charged.
    ///
    /// - Parameter urgentOnly: nothing but urgent work that goes before long work.
    package mutating func next(urgentOnly: Bool = false) -> Turn? {
        guard let turn = first(urgentOnly: urgentOnly) else { return nil }
        take(turn.id)
        return turn
    }

    /// Whether there is urgent work that goes before long work.
    package var hasUrgent: Bool { first(urgentOnly: true) != nil }

    /// Takes a piece of work that somebody else's turn takes along.
    package mutating func take(_ id: ID) {
        guard var ticket = tickets[id], ticket.isWaiting else { return }
        for user in ticket.users { unlink(id, ticket, of: user) }
        ticket.isWaiting = false
        waitingCount -= 1
        if !ticket.isBegun {
            ticket.isBegun = true
            if ticket.urgency == .long {
                begunBytes += ticket.bytes
                for user in ticket.users { users[user]?.begunCount += 1 }
            }
        }
        tickets[id] = ticket
    }

    private func first(urgentOnly: Bool) -> Turn? {
        let order = users.keys.sorted { (shares.time(of: $0), $0) < (shares.time(of: $1), $1) }
        let least = order.first.map { shares.time(of: $0) } ?? 0
        for user in order {
            let lead = shares.time(of: user) - least
            guard lead < Self.maximumLead, let entry = users[user], let id = entry.urgent.first else { continue }
            if entry.prefersUrgent { return Turn(id: id, user: user) }
        }
        if urgentOnly { return nil }
        for user in order {
            if let id = nextOfAny(user) { return Turn(id: id, user: user) }
        }
        return nil
    }

    private func nextOfAny(_ user: UInt32) -> ID? {
        guard let entry = users[user] else { return nil }
        let long = nextLong(entry)
        if let id = entry.urgent.first, long == nil || entry.prefersUrgent { return id }
        return long
    }

    /// Another piece is begun beside the ones of a user that are, where there is memory; all of them take turns.
    private func nextLong(_ user: User) -> ID? {
        if let id = user.fresh.first, let ticket = tickets[id] {
            let isFirst = user.begunCount == 0
            if isFirst || (user.begunCount == 1 && begunBytes + ticket.bytes <= begunLimit) { return id }
        }
        return user.begun.first
    }

    // MARK: - Looking

    /// Pieces of work of a user that wait.
    package func waitingCount(of user: UInt32) -> Int { users[user]?.waitingCount ?? 0 }

    /// By user, of those who have any.
    var waitingCounts: [UInt32: Int] { users.mapValues(\.waitingCount).filter { $0.value > 0 } }

    /// Pieces of work that wait, of all users.
    package private(set) var waitingCount = 0

    /// Users who have work.
    package var userCount: Int { shares.activeCount }

    /// Work that waits and may go along with somebody's turn, urgent work before long work that is begun: of all users the
    /// first piece, then of each the second; at most so many pieces.
    package func readyToRide(atMost limit: Int) -> [ID] {
        var found: [ID] = []
        for line in [\User.urgent, \User.begun] {
            let lanes = users.values.map { $0[keyPath: line] }.filter { !$0.isEmpty }
            var place = 0
            while found.count < limit, lanes.contains(where: { place < $0.count }) {
                for lane in lanes where place < lane.count { found.append(lane[place]) }
                place += 1
            }
        }
        return found
    }

    // MARK: - Lines

    private mutating func line(up id: ID, _ ticket: Ticket, of user: UInt32) {
        switch (ticket.urgency, ticket.isBegun) {
        case (.urgent, _): users[user]?.urgent.append(id)
        case (.long, false): users[user]?.fresh.append(id)
        case (.long, true): users[user]?.begun.append(id)
        }
    }

    private mutating func unlink(_ id: ID, _ ticket: Ticket, of user: UInt32) {
        switch (ticket.urgency, ticket.isBegun) {
        case (.urgent, _): users[user]?.urgent.remove(element: id)
        case (.long, false): users[user]?.fresh.remove(element: id)
        case (.long, true): users[user]?.begun.remove(element: id)
        }
    }

    private mutating func drop(_ id: ID, _ ticket: Ticket, of user: UInt32) {
        if ticket.isWaiting { unlink(id, ticket, of: user) }
        guard var entry = users[user] else { return }
        entry.count(ticket.urgency, by: -1)
        if ticket.urgency == .long, ticket.isBegun { entry.begunCount -= 1 }
        users[user] = entry
        guard entry.urgentCount + entry.longCount == 0 else { return }
        users[user] = nil
        shares.leave(user)
    }
}

extension Deque where Element: Equatable {
    fileprivate mutating func remove(element: Element) {
        if let index = firstIndex(of: element) { remove(at: index) }
    }
}
