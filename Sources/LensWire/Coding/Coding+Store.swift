internal import CLensMessages
internal import LensCore

// store.proto.

extension Coding where Value == EmptyRequest {
    static var storeUsageRequest: Self { empty(CStoreUsageRequest.self) }
    static var checkStoreRequest: Self { empty(CCheckStoreRequest.self) }
    static var backupRequest: Self { empty(CBackupRequest.self) }
}

extension Coding where Value == StoreUsage {
    static var storeUsageReply: Self {
        Self(CStoreUsageReply.self) { (message) throws(LensError) in
            let days = try message.retention_days.count("retention_days")
            let bytes = try message.retention_bytes.count("retention_bytes")
            return StoreUsage(
                accounts: try messages(message.n_accounts, message.accounts) {
                    (account: CStoredAccount) throws(LensError) in try StoredAccount(account)
                },
                accountCount: try message.account_count.count("account_count"),
                quota: SharedAmounts(
                    sessions: try message.session_quota.count("session_quota"),
                    storedBytes: try message.stored_quota_bytes.count("stored_quota_bytes")),
                retention: Retention(days: days > 0 ? days : nil, storedBytes: bytes > 0 ? bytes : nil),
                fileBytes: try message.file_bytes.count("file_bytes"),
                freeBytes: try message.free_bytes.count("free_bytes"))
        } write: { (value, message, arena) throws(LensError) in
            (message.n_accounts, message.accounts) = try arena.messages(value.accounts) {
                (account, item) throws(LensError) in try account.write(to: &item, arena)
            }
            message.account_count = try arena.uint64(value.accountCount, "account_count")
            message.session_quota = try arena.uint64(value.quota.sessions, "session_quota")
            message.stored_quota_bytes = try arena.uint64(value.quota.storedBytes, "stored_quota_bytes")
            message.retention_days = try arena.uint64(value.retention.days ?? 0, "retention_days")
            message.retention_bytes = try arena.uint64(value.retention.storedBytes ?? 0, "retention_bytes")
            message.file_bytes = try arena.uint64(value.fileBytes, "file_bytes")
            message.free_bytes = try arena.uint64(value.freeBytes, "free_bytes")
        }
    }
}

extension Coding where Value == StoredAccount {
    static var storedAccount: Self {
        Self(CStoredAccount.self) { (message) throws(LensError) in
            try StoredAccount(message)
        } write: { (value, message, arena) throws(LensError) in
            try value.write(to: &message, arena)
        }
    }
}

extension StoredAccount {
    fileprivate init(_ message: CStoredAccount) throws(LensError) {
        self.init(
            userID: message.uid, name: try message.name.text("name"), isPresent: message.present != 0,
            sessionCount: try message.session_count.count("session_count"),
            runCount: try message.run_count.count("run_count"),
            storedBytes: try message.stored_bytes.count("stored_bytes"), firstSeenAt: message.first_seen_at,
            lastUsedAt: message.last_used_at)
    }

    fileprivate func write(to message: inout CStoredAccount, _ arena: MessageArena) throws(LensError) {
        message.uid = userID
        message.name = arena.bytes(name)
        message.present = isPresent ? 1 : 0
        message.session_count = try arena.uint64(sessionCount, "session_count")
        message.run_count = try arena.uint64(runCount, "run_count")
        message.stored_bytes = try arena.uint64(storedBytes, "stored_bytes")
        message.first_seen_at = firstSeenAt
        message.last_used_at = lastUsedAt
    }
}

extension AccountChoice {
    fileprivate init(_ message: UnsafeMutablePointer<CAccountChoice>?) throws(LensError) {
        switch message?.pointee.choice_case {
        case LENS__V1__ACCOUNT_CHOICE__CHOICE_NAME?: self = .named(try message?.pointee.name.text("account") ?? "")
        case LENS__V1__ACCOUNT_CHOICE__CHOICE_EVERY?: self = message?.pointee.every == 0 ? .only : .every
        default: self = .only
        }
    }

    /// Nothing on the wire means the only one.
    fileprivate func write(_ arena: MessageArena) throws(LensError) -> UnsafeMutablePointer<CAccountChoice>? {
        guard self != .only else { return nil }
        return try arena.message { (item: inout CAccountChoice) in
            if case .named(let name) = self {
                item.choice_case = LENS__V1__ACCOUNT_CHOICE__CHOICE_NAME
                item.name = arena.bytes(name)
            } else {
                item.choice_case = LENS__V1__ACCOUNT_CHOICE__CHOICE_EVERY
                item.every = 1
            }
        }
    }
}

extension Coding where Value == PurgeRequest {
    static var purgeRequest: Self {
        Self(CPurgeRequest.self) { (message) throws(LensError) in
            PurgeRequest(userID: message.uid, account: try AccountChoice(message.account))
        } write: { (value, message, arena) throws(LensError) in
            message.uid = value.userID
            message.account = try value.account.write(arena)
        }
    }
}

extension Coding where Value == PurgeReply {
    static var purgeReply: Self {
        Self(CPurgeReply.self) { (message) throws(LensError) in
            PurgeReply(
                sessionCount: try message.session_count.count("session_count"),
                runCount: try message.run_count.count("run_count"))
        } write: { (value, message, arena) throws(LensError) in
            message.session_count = try arena.uint64(value.sessionCount, "session_count")
            message.run_count = try arena.uint64(value.runCount, "run_count")
        }
    }
}

extension Coding where Value == ReassignRequest {
    static var reassignRequest: Self {
        Self(CReassignRequest.self) { (message) throws(LensError) in
            let account = try AccountChoice(message.account)
            guard account != .every else {
                throw .invalidArgument("account must be one account: what several left cannot become one user's")
            }
            return ReassignRequest(userID: message.uid, account: account, newUserID: message.new_uid)
        } write: { (value, message, arena) throws(LensError) in
            message.uid = value.userID
            message.account = try value.account.write(arena)
            message.new_uid = value.newUserID
        }
    }
}

extension Coding where Value == StoreCheck {
    static var checkStoreReply: Self {
        Self(CCheckStoreReply.self) { (message) throws(LensError) in
            var complaints: [String] = []
            for complaint in array(message.n_complaints, message.complaints) {
                complaints.append(try complaint.text("complaints"))
            }
            return StoreCheck(
                complaints: complaints, runCount: try message.run_count.count("run_count"),
                bytes: try message.bytes.count("bytes"))
        } write: { (value, message, arena) throws(LensError) in
            (message.n_complaints, message.complaints) = arena.array(value.complaints.map { arena.bytes($0) })
            message.run_count = try arena.uint64(value.runCount, "run_count")
            message.bytes = try arena.uint64(value.bytes, "bytes")
        }
    }
}

extension Coding where Value == BackupEvent {
    static var backupEvent: Self {
        Self(CBackupEvent.self) { (message) throws(LensError) in
            switch message.event_case {
            case LENS__V1__BACKUP_EVENT__EVENT_TOTAL_BYTES: .size(try message.total_bytes.count("total_bytes"))
            case LENS__V1__BACKUP_EVENT__EVENT_CONTENT: .bytes(message.content.array)
            default: throw .invalidArgument("an event of a backup is its size or bytes; received neither")
            }
        } write: { (value, message, arena) throws(LensError) in
            switch value {
            case .size(let size):
                message.event_case = LENS__V1__BACKUP_EVENT__EVENT_TOTAL_BYTES
                message.total_bytes = try arena.uint64(size, "total_bytes")
            case .bytes(let bytes):
                message.event_case = LENS__V1__BACKUP_EVENT__EVENT_CONTENT
                message.content = arena.bytes(bytes)
            }
        }
    }
}
