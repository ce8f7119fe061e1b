import GRDB

/// One step from a database's shape to the next; a step that was released is never changed.
package struct SchemaMigration: Sendable {
    package let identifier: String
    package let sql: String

    package init(_ identifier: String, sql: String) {
        self.identifier = identifier
        self.sql = sql
    }

    /// Every step, oldest first.
    package static let all: [SchemaMigration] = [
        sessionsAndRuns, hookedRuns, kindsAndDetails, grantsAndNotes, ownersAndAmounts, changesAndImports,
    ]

    static func migrator(_ migrations: [SchemaMigration]) -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        for migration in migrations {
            migrator.registerMigration(migration.identifier) { db in try db.execute(sql: migration.sql) }
        }
        return migrator
    }

    /// `number` grows and is never given twice, so "newest" does not hang on the clock.
    ///
    /// The composite foreign key makes a run whose owner is not its session's owner impossible.
    private static let sessionsAndRuns = SchemaMigration(
        "1 sessions and runs",
        sql: """
            CREATE TABLE sessions (
                id BLOB PRIMARY KEY NOT NULL CHECK (length(id) = 16),
                owner INTEGER NOT NULL CHECK (owner BETWEEN 0 AND 4294967295),
                name TEXT NOT NULL,
                created REAL NOT NULL,
                updated REAL NOT NULL,
                UNIQUE (owner, name),
                UNIQUE (owner, id)
            ) STRICT;

            CREATE TABLE runs (
                number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                id BLOB NOT NULL CHECK (length(id) = 16),
                owner INTEGER NOT NULL,
                session BLOB NOT NULL,
                kind TEXT NOT NULL CHECK (kind IN ('run', 'sweep')),
                created REAL NOT NULL,
                model TEXT NOT NULL,
                form TEXT NOT NULL CHECK (form IN ('processed', 'raw')),
                fingerprint TEXT NOT NULL,
                prompt_count INTEGER NOT NULL,
                token_count INTEGER NOT NULL,
                tokens BLOB NOT NULL,
                interventions BLOB NOT NULL,
                excerpt TEXT NOT NULL,
                loss REAL,
                result BLOB NOT NULL,
                lensd_version TEXT NOT NULL,
                request_id BLOB CHECK (length(request_id) BETWEEN 1 AND 64),
                UNIQUE (owner, id),
                FOREIGN KEY (owner, session) REFERENCES sessions (owner, id) ON DELETE CASCADE
            ) STRICT;

            CREATE INDEX runs_of_session ON runs (owner, session, number);
            CREATE UNIQUE INDEX runs_of_request ON runs (owner, request_id) WHERE request_id IS NOT NULL;
            """)

    /// A run in which a client's function took part cannot be computed again from its recipe.
    private static let hookedRuns = SchemaMigration(
        "2 hooked runs",
        sql: "ALTER TABLE runs ADD COLUMN hooked INTEGER NOT NULL DEFAULT 0 CHECK (hooked IN (0, 1))")

    /// Runs of further kinds, and what was asked of each in short. Which kinds there are is the program's matter: the
    /// table no longer lists them, which SQLite can only be told by making it anew.
    private static let kindsAndDetails = SchemaMigration(
        "3 kinds and details of runs",
        sql: """
            CREATE TABLE new_runs (
                number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
                id BLOB NOT NULL CHECK (length(id) = 16),
                owner INTEGER NOT NULL,
                session BLOB NOT NULL,
                kind TEXT NOT NULL CHECK (length(kind) BETWEEN 1 AND 32),
                created REAL NOT NULL,
                model TEXT NOT NULL,
                form TEXT NOT NULL CHECK (form IN ('processed', 'raw')),
                fingerprint TEXT NOT NULL,
                prompt_count INTEGER NOT NULL,
                token_count INTEGER NOT NULL,
                tokens BLOB NOT NULL,
                interventions BLOB NOT NULL,
                excerpt TEXT NOT NULL,
                loss REAL,
                detail TEXT NOT NULL DEFAULT '',
                result BLOB NOT NULL,
                lensd_version TEXT NOT NULL,
                request_id BLOB CHECK (length(request_id) BETWEEN 1 AND 64),
                hooked INTEGER NOT NULL DEFAULT 0 CHECK (hooked IN (0, 1)),
                UNIQUE (owner, id),
                FOREIGN KEY (owner, session) REFERENCES sessions (owner, id) ON DELETE CASCADE
            ) STRICT;

            INSERT INTO new_runs (number, id, owner, session, kind, created, model, form, fingerprint, prompt_count,
                token_count, tokens, interventions, excerpt, loss, result, lensd_version, request_id, hooked)
            SELECT number, id, owner, session, kind, created, model, form, fingerprint, prompt_count,
                token_count, tokens, interventions, excerpt, loss, result, lensd_version, request_id, hooked
            FROM runs;

            -- Numbers of deleted runs are not given again.
            DELETE FROM sqlite_sequence WHERE name = 'new_runs';
            INSERT INTO sqlite_sequence (name, seq) SELECT 'new_runs', seq FROM sqlite_sequence WHERE name = 'runs';

            DROP TABLE runs;
            ALTER TABLE new_runs RENAME TO runs;
            CREATE INDEX runs_of_session ON runs (owner, session, number);
            CREATE UNIQUE INDEX runs_of_request ON runs (owner, request_id) WHERE request_id IS NOT NULL;
            """)

    /// Who else may read a session, notes, a sweep's strongest effects, and what came from a file.
    private static let grantsAndNotes = SchemaMigration(
        "4 grants and notes",
        sql: """
            ALTER TABLE sessions ADD COLUMN note TEXT NOT NULL DEFAULT '';
            ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT '';
            ALTER TABLE runs ADD COLUMN effects BLOB;
            ALTER TABLE runs ADD COLUMN imported REAL;

            CREATE TABLE grants (
                owner INTEGER NOT NULL,
                session BLOB NOT NULL,
                grantee INTEGER NOT NULL CHECK (grantee BETWEEN 0 AND 4294967295 AND grantee <> owner),
                created REAL NOT NULL,
                PRIMARY KEY (owner, session, grantee),
                FOREIGN KEY (owner, session) REFERENCES sessions (owner, id) ON DELETE CASCADE
            ) STRICT, WITHOUT ROWID;

            CREATE INDEX grants_of_grantee ON grants (grantee, owner, session);
            """)

    /// Whose sessions are, and how much each owner has.
    ///
    /// `owner` in other tables is the number of a row in `owners`: the uid, but for a uid's second account another
    /// number. Owners from before have no account until somebody looks (`NULL`; empty means that there is none).
    /// Triggers keep the sums, so that they are exact whatever writes. The 448 bytes are what a row and its entries in
    /// the indexes take beside its values. (A generated column would be simpler, but SQLite 3.40 cannot `VACUUM INTO`
    /// a table that got one by ALTER TABLE.)
    private static let ownersAndAmounts = SchemaMigration(
        "5 owners and amounts",
        sql: """
            CREATE TABLE owners (
                number INTEGER PRIMARY KEY NOT NULL CHECK (number BETWEEN 0 AND 4294967295),
                uid INTEGER NOT NULL CHECK (uid BETWEEN 0 AND 4294967295),
                account TEXT,
                first_seen REAL NOT NULL,
                session_count INTEGER NOT NULL DEFAULT 0 CHECK (session_count >= 0),
                run_count INTEGER NOT NULL DEFAULT 0 CHECK (run_count >= 0),
                stored_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0),
                UNIQUE (uid, account)
            ) STRICT;

            ALTER TABLE sessions ADD COLUMN stored_bytes INTEGER NOT NULL DEFAULT 0 CHECK (stored_bytes >= 0);
            CREATE INDEX runs_of_owner ON runs (owner, number);
            CREATE VIEW run_sizes AS
            SELECT number, owner, session,
                448 + length(tokens) + length(interventions) + length(result) + coalesce(length(effects), 0)
                    + length(CAST(excerpt AS BLOB)) + length(CAST(detail AS BLOB)) + length(CAST(note AS BLOB)) AS bytes
            FROM runs;

            INSERT INTO owners (number, uid, first_seen, session_count)
            SELECT owner, owner, min(created), count(*) FROM sessions GROUP BY owner;
            UPDATE sessions SET stored_bytes = (
                SELECT coalesce(sum(bytes), 0) FROM run_sizes AS sizes
                WHERE sizes.owner = sessions.owner AND session = sessions.id);
            UPDATE owners SET
                run_count = (SELECT count(*) FROM runs WHERE owner = owners.number),
                stored_bytes = (SELECT sum(sessions.stored_bytes) FROM sessions WHERE owner = owners.number);

            CREATE TRIGGER session_added AFTER INSERT ON sessions BEGIN
                SELECT RAISE(ABORT, 'a session needs an owner')
                WHERE NOT EXISTS (SELECT 1 FROM owners WHERE number = NEW.owner);
                UPDATE owners SET session_count = session_count + 1 WHERE number = NEW.owner;
            END;
            CREATE TRIGGER session_deleted AFTER DELETE ON sessions BEGIN
                UPDATE owners SET session_count = session_count - 1 WHERE number = OLD.owner;
            END;
            CREATE TRIGGER run_added AFTER INSERT ON runs BEGIN
                UPDATE owners SET run_count = run_count + 1 WHERE number = NEW.owner;
            END;
            CREATE TRIGGER run_deleted AFTER DELETE ON runs BEGIN
                UPDATE owners SET run_count = run_count - 1 WHERE number = OLD.owner;
            END;
            CREATE TRIGGER run_bytes_added AFTER INSERT ON runs BEGIN
                UPDATE sessions SET stored_bytes = stored_bytes + (
                    SELECT bytes FROM run_sizes WHERE number = NEW.number) WHERE id = NEW.session;
                UPDATE owners SET stored_bytes = stored_bytes + (
                    SELECT bytes FROM run_sizes WHERE number = NEW.number) WHERE number = NEW.owner;
            END;
            CREATE TRIGGER run_bytes_deleted BEFORE DELETE ON runs BEGIN
                UPDATE sessions SET stored_bytes = stored_bytes - (
                    SELECT bytes FROM run_sizes WHERE number = OLD.number) WHERE id = OLD.session;
                UPDATE owners SET stored_bytes = stored_bytes - (
                    SELECT bytes FROM run_sizes WHERE number = OLD.number) WHERE number = OLD.owner;
            END;
            CREATE TRIGGER run_bytes_changing BEFORE UPDATE OF tokens, interventions, result, effects, excerpt, detail, note ON runs BEGIN
                UPDATE sessions SET stored_bytes = stored_bytes - (
                    SELECT bytes FROM run_sizes WHERE number = OLD.number) WHERE id = OLD.session;
                UPDATE owners SET stored_bytes = stored_bytes - (
                    SELECT bytes FROM run_sizes WHERE number = OLD.number) WHERE number = OLD.owner;
            END;
            CREATE TRIGGER run_bytes_changed AFTER UPDATE OF tokens, interventions, result, effects, excerpt, detail, note ON runs BEGIN
                UPDATE sessions SET stored_bytes = stored_bytes + (
                    SELECT bytes FROM run_sizes WHERE number = NEW.number) WHERE id = NEW.session;
                UPDATE owners SET stored_bytes = stored_bytes + (
                    SELECT bytes FROM run_sizes WHERE number = NEW.number) WHERE number = NEW.owner;
            END;
            """)

    /// What changes under request ids have answered, and which sessions are still being imported.
    private static let changesAndImports = SchemaMigration(
        "6 changes and imports",
        sql: """
            CREATE TABLE changes (
                number INTEGER PRIMARY KEY NOT NULL,
                owner INTEGER NOT NULL REFERENCES owners (number) ON DELETE CASCADE,
                request_id BLOB NOT NULL CHECK (length(request_id) BETWEEN 1 AND 64),
                question BLOB NOT NULL CHECK (length(question) = 32),
                subject BLOB NOT NULL CHECK (length(subject) = 16),
                count INTEGER NOT NULL,
                UNIQUE (owner, request_id)
            ) STRICT;
            CREATE INDEX changes_of_owner ON changes (owner, number);

            CREATE TABLE imports (
                owner INTEGER NOT NULL,
                session BLOB NOT NULL,
                request_id BLOB CHECK (length(request_id) BETWEEN 1 AND 64),
                PRIMARY KEY (owner, session),
                FOREIGN KEY (owner, session) REFERENCES sessions (owner, id) ON DELETE CASCADE
            ) STRICT, WITHOUT ROWID;
            """)
}
