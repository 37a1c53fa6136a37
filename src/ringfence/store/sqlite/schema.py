"""The tables of the embedded store, as steps that lead from each version to the next.

A file's `user_version` counts the steps it has taken. A step that was released is never changed: what is to
be otherwise becomes another step.
"""

MIGRATIONS: tuple[str, ...] = (
    """
    -- What this store is: its id, and the key and rules its pseudonyms were made by.
    CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

    -- A row stays when its lease ends, since tokens only ever grow.
    CREATE TABLE leases (
        name TEXT PRIMARY KEY,
        token INTEGER NOT NULL,
        host TEXT NOT NULL,
        process INTEGER NOT NULL,
        started TEXT NOT NULL,
        seconds REAL NOT NULL,
        expires_at INTEGER NOT NULL          -- 0: nobody holds it
    ) STRICT, WITHOUT ROWID;

    -- Rows of the market carry the load they came with; those of a load without `finished_at` are unseen.
    CREATE TABLE loads (
        load INTEGER PRIMARY KEY,
        begun_at INTEGER NOT NULL,
        finished_at INTEGER,
        plan INTEGER NOT NULL,               -- how its rows are cut into batches
        written INTEGER NOT NULL,            -- batches so far
        digest TEXT NOT NULL,
        source TEXT NOT NULL                 -- JSON
    ) STRICT;
    CREATE UNIQUE INDEX loads_by_digest ON loads (digest);

    -- (:Buyer)
    CREATE TABLE buyers (
        buyer INTEGER PRIMARY KEY,
        buyer_id TEXT NOT NULL UNIQUE,
        load INTEGER NOT NULL REFERENCES loads
    ) STRICT;
    CREATE TABLE buyer_details (
        buyer INTEGER NOT NULL REFERENCES buyers,
        load INTEGER NOT NULL REFERENCES loads,
        country TEXT,
        registered_at INTEGER,
        PRIMARY KEY (buyer, load)
    ) STRICT, WITHOUT ROWID;

    -- (:Merchant)
    CREATE TABLE merchants (
        merchant INTEGER PRIMARY KEY,
        merchant_id TEXT NOT NULL UNIQUE,
        load INTEGER NOT NULL REFERENCES loads
    ) STRICT;
    CREATE TABLE merchant_details (
        merchant INTEGER NOT NULL REFERENCES merchants,
        load INTEGER NOT NULL REFERENCES loads,
        name TEXT,
        country TEXT,
        level TEXT,
        joined_at INTEGER,
        owner TEXT,
        fulfilment TEXT,
        return_address TEXT,
        PRIMARY KEY (merchant, load)
    ) STRICT, WITHOUT ROWID;

    -- (:Address|:Device|:Payment|:Phone|:Email)
    CREATE TABLE identifiers (
        value INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        exact BLOB NOT NULL,
        normaliser INTEGER NOT NULL,
        load INTEGER NOT NULL REFERENCES loads
    ) STRICT;
    CREATE UNIQUE INDEX identifiers_by_exact ON identifiers (exact);

    -- (:Buyer)-[:USES {first_at, last_at}]->(:Address|:Device|:Payment|:Phone|:Email)
    CREATE TABLE uses (
        buyer INTEGER NOT NULL REFERENCES buyers,
        value INTEGER NOT NULL REFERENCES identifiers,
        load INTEGER NOT NULL REFERENCES loads,
        first_at INTEGER,
        last_at INTEGER,
        PRIMARY KEY (buyer, value, load)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX uses_by_value ON uses (value, buyer);

    -- (:Buyer)-[:FILED]->(:Claim)-[:AGAINST]->(:Merchant)
    -- Its values, and an order's, are checked by `uses`, which has them all: checked here too, each value
    -- that is cleared away would be looked for in every claim.
    CREATE TABLE claims (
        claim INTEGER PRIMARY KEY,
        claim_id TEXT NOT NULL,
        buyer INTEGER NOT NULL REFERENCES buyers,
        merchant INTEGER NOT NULL REFERENCES merchants,
        filed_at INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        currency TEXT NOT NULL,
        load INTEGER NOT NULL REFERENCES loads,
        kind TEXT,
        reason TEXT,
        order_id TEXT,
        category TEXT,
        country TEXT,
        address INTEGER,
        device INTEGER,
        payment INTEGER,
        phone INTEGER,
        email INTEGER,
        paid_at INTEGER,
        evidence_kinds TEXT,
        high_value INTEGER,
        delivered_at INTEGER,
        refunded INTEGER,
        evidence_count INTEGER,
        status TEXT
    ) STRICT;
    CREATE UNIQUE INDEX claims_by_id ON claims (claim_id);
    CREATE INDEX claims_by_buyer ON claims (buyer, filed_at);
    CREATE INDEX claims_by_merchant ON claims (merchant, buyer);

    -- What later loads said of a claim; the last visible word holds.
    CREATE TABLE claim_changes (
        claim INTEGER NOT NULL REFERENCES claims,
        load INTEGER NOT NULL REFERENCES loads,
        delivered_at INTEGER,
        refunded INTEGER,
        evidence_count INTEGER,
        status TEXT,
        PRIMARY KEY (claim, load)
    ) STRICT, WITHOUT ROWID;

    -- (:Buyer)-[:ORDERED {order_id, at, amount, category, delivered_at}]->(:Merchant)
    CREATE TABLE orders (
        "order" INTEGER PRIMARY KEY,
        order_id TEXT NOT NULL,
        buyer INTEGER NOT NULL REFERENCES buyers,
        merchant INTEGER NOT NULL REFERENCES merchants,
        ordered_at INTEGER NOT NULL,
        amount INTEGER NOT NULL,
        currency TEXT NOT NULL,
        load INTEGER NOT NULL REFERENCES loads,
        category TEXT,
        country TEXT,
        address INTEGER,
        delivered_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX orders_by_id ON orders (order_id);
    CREATE INDEX orders_by_buyer ON orders (buyer, merchant, ordered_at);

    -- (:Merchant)-[:FILED_REPORT]->(:Report)-[:ACCUSES]->(:Buyer)
    CREATE TABLE reports (
        report INTEGER PRIMARY KEY,
        report_id TEXT NOT NULL UNIQUE,
        merchant INTEGER NOT NULL REFERENCES merchants,
        buyer INTEGER NOT NULL REFERENCES buyers,
        reported_at INTEGER NOT NULL,
        claim_id TEXT,
        reason TEXT,
        evidence_count INTEGER,
        load INTEGER NOT NULL REFERENCES loads
    ) STRICT;
    CREATE INDEX reports_by_buyer ON reports (buyer, reported_at);

    CREATE TABLE rates (
        currency TEXT NOT NULL,
        date INTEGER NOT NULL,
        load INTEGER NOT NULL REFERENCES loads,
        rate TEXT NOT NULL,
        PRIMARY KEY (currency, date, load)
    ) STRICT, WITHOUT ROWID;

    -- The columns detection needs, as Arrow files, so that reading them is copying them; sketches are
    -- nowhere else.
    CREATE TABLE batches (
        load INTEGER NOT NULL REFERENCES loads,
        subject TEXT NOT NULL,
        batch INTEGER NOT NULL,
        columns BLOB NOT NULL,
        PRIMARY KEY (subject, load, batch)
    ) STRICT;

    -- (:Run)
    CREATE TABLE runs (
        run INTEGER PRIMARY KEY AUTOINCREMENT,
        state TEXT NOT NULL,
        begun_at INTEGER NOT NULL,
        ended_at INTEGER,
        market_version INTEGER NOT NULL,
        about TEXT NOT NULL,                 -- JSON
        reasons TEXT NOT NULL,               -- JSON
        tables TEXT,                         -- JSON: those it wrote; null until all are written
        is_kept INTEGER NOT NULL,            -- whether its findings may be read
        has_rows INTEGER NOT NULL            -- whether other tables may still have rows of it
    ) STRICT;
    CREATE INDEX runs_by_state ON runs (state, run);

    -- (:Ring), for life: since it was first published
    CREATE TABLE rings (
        ring_id TEXT PRIMARY KEY,
        first_run INTEGER NOT NULL REFERENCES runs,
        last_run INTEGER NOT NULL REFERENCES runs,
        origin_ring_id TEXT
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX rings_by_origin ON rings (origin_ring_id) WHERE origin_ring_id IS NOT NULL;

    -- (:Ring)-[:FOUND_BY]->(:Run), (:Ring)-[:PART_OF]->(:Network)
    CREATE TABLE findings (
        run INTEGER NOT NULL REFERENCES runs,
        ring_id TEXT NOT NULL,
        place INTEGER NOT NULL,              -- in the run's table, as in all tables of a run
        network_id TEXT NOT NULL,
        score REAL NOT NULL,
        size INTEGER NOT NULL,
        claims INTEGER NOT NULL,
        merchants INTEGER NOT NULL,
        amount TEXT NOT NULL,
        first_claim_at INTEGER NOT NULL,
        last_claim_at INTEGER NOT NULL,
        p_value REAL,
        why TEXT NOT NULL,
        PRIMARY KEY (run, ring_id)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX findings_by_score ON findings (run, score DESC, ring_id);
    CREATE INDEX findings_by_size ON findings (run, size DESC, ring_id);
    CREATE INDEX findings_by_claims ON findings (run, claims DESC, ring_id);
    CREATE INDEX findings_by_last_claim_at ON findings (run, last_claim_at DESC, ring_id);
    CREATE INDEX findings_by_network ON findings (run, network_id);

    -- (:Buyer)-[:MEMBER_OF {evidence}]->(:Ring)
    CREATE TABLE members (
        run INTEGER NOT NULL REFERENCES runs,
        ring_id TEXT NOT NULL,
        place INTEGER NOT NULL,
        buyer_id TEXT NOT NULL,
        score REAL NOT NULL,
        why TEXT NOT NULL,
        PRIMARY KEY (run, ring_id, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX members_by_buyer ON members (run, buyer_id);

    CREATE TABLE lineage (
        run INTEGER NOT NULL REFERENCES runs,
        place INTEGER NOT NULL,
        ring_id TEXT NOT NULL,
        event TEXT NOT NULL,
        previous_ring_id TEXT NOT NULL,
        common REAL NOT NULL,
        PRIMARY KEY (run, place)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX lineage_by_ring ON lineage (ring_id);
    CREATE INDEX lineage_by_previous ON lineage (previous_ring_id);

    -- The long tables of a run as Arrow files of some thousand rows each, `place` beside their columns: the
    -- claims rings rest on, (:Buyer)-[:LINKED {evidence, why}]-(:Buyer), and every buyer's score.
    CREATE TABLE run_columns (
        run INTEGER NOT NULL REFERENCES runs,
        subject TEXT NOT NULL,
        batch INTEGER NOT NULL,
        columns BLOB NOT NULL,
        PRIMARY KEY (run, subject, batch)
    ) STRICT;
    -- Which batches have the rows of a ring (claims) or a buyer (links), or begin with a buyer (scores).
    CREATE TABLE run_keys (
        run INTEGER NOT NULL REFERENCES runs,
        subject TEXT NOT NULL,
        key TEXT NOT NULL,
        batches TEXT NOT NULL,               -- JSON
        PRIMARY KEY (run, subject, key)
    ) STRICT, WITHOUT ROWID;
    -- The rings that have a joint claim against a merchant.
    CREATE TABLE targets (
        run INTEGER NOT NULL REFERENCES runs,
        merchant_id TEXT NOT NULL,
        ring_ids TEXT NOT NULL,              -- JSON
        PRIMARY KEY (run, merchant_id)
    ) STRICT, WITHOUT ROWID;

    -- (:Record {kind, id, version, …})-[:HAS]->(:Event)
    CREATE TABLE records (
        record INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        id TEXT NOT NULL,
        version INTEGER NOT NULL,
        state TEXT NOT NULL,                 -- JSON
        UNIQUE (kind, id)
    ) STRICT;
    CREATE TABLE events (
        record INTEGER NOT NULL REFERENCES records,
        version INTEGER NOT NULL,
        type TEXT NOT NULL,
        at INTEGER NOT NULL,
        actor TEXT NOT NULL,
        data TEXT NOT NULL,                  -- JSON
        PRIMARY KEY (record, version)
    ) STRICT, WITHOUT ROWID;
    CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
        BEGIN SELECT raise(ABORT, 'events are append-only'); END;
    CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
        BEGIN SELECT raise(ABORT, 'events are append-only'); END;

    -- (:Record)-[:CONCERNS]->(:Ring|:Buyer|:Merchant|:Claim)
    CREATE TABLE concerns (
        subject_kind TEXT NOT NULL,
        subject_id TEXT NOT NULL,
        record INTEGER NOT NULL REFERENCES records,
        PRIMARY KEY (subject_kind, subject_id, record)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- Reports are filed by call too. Those of loads are numbered upwards from 1, those filed downwards from
    -- -1, so that the numbers a load gives do not hang on what is filed meanwhile.
    CREATE TABLE all_reports (
        report INTEGER PRIMARY KEY,
        report_id TEXT NOT NULL UNIQUE,
        merchant INTEGER NOT NULL REFERENCES merchants,
        buyer INTEGER NOT NULL REFERENCES buyers,
        reported_at INTEGER NOT NULL,
        claim_id TEXT,
        reason TEXT,
        evidence_count INTEGER,
        load INTEGER REFERENCES loads,       -- null: filed by call
        filed_at INTEGER,                    -- by call; else null
        CHECK ((load IS NULL) = (report < 0) AND (filed_at IS NULL) = (report > 0))
    ) STRICT;
    INSERT INTO all_reports
        SELECT report, report_id, merchant, buyer, reported_at, claim_id, reason, evidence_count, load, NULL
        FROM reports ORDER BY report;
    DROP TABLE reports;
    ALTER TABLE all_reports RENAME TO reports;
    CREATE INDEX reports_by_buyer ON reports (buyer, reported_at DESC, report_id);
    CREATE INDEX reports_by_merchant ON reports (merchant, reported_at DESC, report_id);
    CREATE INDEX reports_by_time ON reports (reported_at DESC, report_id);
    """,
    """
    -- (:AuditEntry)-[:TOUCHED]->(:AuditSubject); payload and actor are null once they are erased.
    CREATE TABLE audit (
        chain TEXT NOT NULL,
        number INTEGER NOT NULL,
        at INTEGER NOT NULL,
        digest BLOB NOT NULL,
        mac BLOB NOT NULL,
        payload BLOB,
        actor TEXT,
        PRIMARY KEY (chain, number)
    ) STRICT;
    CREATE INDEX audit_by_time ON audit (at DESC, chain, number DESC);
    CREATE INDEX audit_by_actor ON audit (actor, at DESC, chain, number DESC) WHERE actor IS NOT NULL;
    CREATE INDEX audit_to_erase ON audit (at) WHERE payload IS NOT NULL;
    CREATE TABLE audit_subjects (
        subject TEXT NOT NULL,
        at INTEGER NOT NULL,
        chain TEXT NOT NULL,
        number INTEGER NOT NULL,
        PRIMARY KEY (subject, at DESC, chain, number DESC)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX audit_subjects_by_entry ON audit_subjects (chain, number);
    CREATE TRIGGER audit_is_never_changed BEFORE UPDATE OF chain, number, at, digest, mac ON audit
        BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER audit_is_only_erased BEFORE UPDATE OF payload, actor ON audit
        WHEN NEW.payload IS NOT NULL OR NEW.actor IS NOT NULL
        BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;
    CREATE TRIGGER audit_is_never_deleted BEFORE DELETE ON audit
        BEGIN SELECT raise(ABORT, 'the audit is append-only'); END;

    -- Whom merchants have looked up on the last day they did, as digests.
    CREATE TABLE lookups (
        merchant_id TEXT NOT NULL,
        day INTEGER NOT NULL,                -- since 1970-01-01 UTC
        buyer BLOB NOT NULL,
        PRIMARY KEY (merchant_id, day, buyer)
    ) STRICT, WITHOUT ROWID;
    """,
    """
    -- (:Record)-[:LISTED_IN {place}]->(:RecordList): on which lists a record stands, its state tells.
    CREATE TABLE record_lists (
        list INTEGER PRIMARY KEY,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        size INTEGER NOT NULL,
        UNIQUE (kind, name)
    ) STRICT;
    CREATE TABLE listed_records (
        list INTEGER NOT NULL REFERENCES record_lists,
        place INTEGER NOT NULL,              -- less than zero by what the list is sorted by: greatest first
        id TEXT NOT NULL,
        record INTEGER NOT NULL REFERENCES records,
        PRIMARY KEY (list, place, id)
    ) STRICT, WITHOUT ROWID;
    INSERT OR IGNORE INTO record_lists (kind, name, size)
        SELECT kind, told.value ->> 0, 0 FROM records, json_each(record_listing(kind, state)) AS told;
    INSERT INTO listed_records (list, place, id, record)
        SELECT list, told.value ->> 1, records.id, record
        FROM records, json_each(record_listing(records.kind, state)) AS told
        CROSS JOIN record_lists ON record_lists.kind = records.kind AND name = told.value ->> 0;
    UPDATE record_lists
        SET size = (SELECT count(*) FROM listed_records AS each WHERE each.list = record_lists.list);
    """,
    """
    -- Each merchant gives its own reports their ids: two may use the same one.
    CREATE TABLE merchants_reports (
        report INTEGER PRIMARY KEY,
        report_id TEXT NOT NULL,
        merchant INTEGER NOT NULL REFERENCES merchants,
        buyer INTEGER NOT NULL REFERENCES buyers,
        reported_at INTEGER NOT NULL,
        claim_id TEXT,
        reason TEXT,
        evidence_count INTEGER,
        load INTEGER REFERENCES loads,       -- null: filed by call
        filed_at INTEGER,                    -- by call; else null
        UNIQUE (report_id, merchant),
        CHECK ((load IS NULL) = (report < 0) AND (filed_at IS NULL) = (report > 0))
    ) STRICT;
    INSERT INTO merchants_reports
        SELECT report, report_id, merchant, buyer, reported_at, claim_id, reason, evidence_count, load,
            filed_at
        FROM reports ORDER BY report;

    -- Their records, and the files of verifications, name them by both ids. Events stay as they were told.
    CREATE VIEW report_names AS
        SELECT report_id, replace(replace(merchant_id, '%', '%25'), '/', '%2F') || '/' || report_id AS name
        FROM reports JOIN merchants USING (merchant);
    -- In two steps, since the name of one may be what another was known by.
    UPDATE records SET id = char(10) || (SELECT name FROM report_names WHERE report_id = records.id)
        WHERE kind = 'report' AND id IN (SELECT report_id FROM report_names);
    UPDATE records SET id = substr(id, 2) WHERE kind = 'report' AND substr(id, 1, 1) = char(10);
    DELETE FROM listed_records WHERE record IN (SELECT record FROM records WHERE kind = 'report');
    INSERT INTO listed_records (list, place, id, record)
        SELECT list, told.value ->> 1, records.id, record
        FROM records, json_each(record_listing(records.kind, state)) AS told
        CROSS JOIN record_lists ON record_lists.kind = records.kind AND name = told.value ->> 0
        WHERE records.kind = 'report';
    UPDATE records SET state = json_set(state, '$.file.reports', json((
        SELECT json_group_array(named) FROM (
            SELECT coalesce(name, value) AS named
            FROM json_each(state, '$.file.reports') LEFT JOIN report_names ON report_id = value ORDER BY key
        )
    ))) WHERE kind = 'verification' AND json_array_length(state, '$.file.reports') > 0;
    DROP VIEW report_names;

    DROP TABLE reports;
    ALTER TABLE merchants_reports RENAME TO reports;
    CREATE INDEX reports_by_buyer ON reports (buyer, reported_at DESC, report_id);
    CREATE INDEX reports_by_merchant ON reports (merchant, reported_at DESC, report_id);
    CREATE INDEX reports_by_time ON reports (reported_at DESC, report_id);
    """,
    """
    -- On how many separate occasions a ring rests, and what found it; runs of before this step knew one way.
    ALTER TABLE findings ADD COLUMN occasions INTEGER;
    ALTER TABLE findings ADD COLUMN method TEXT NOT NULL DEFAULT 'coincidence';
    """,
)
