// name: identify_store
// Tells a store of ours from an empty database and from somebody else's.
// allows AllNodesScan: stops at the first node
OPTIONAL MATCH (s:Store {id: $store})
RETURN s.schema_version, EXISTS { MATCH (n) WHERE NOT n:Store AND NOT n:Lease }, s.replacing

// name: make_store
// A new store, or an imported or older one that has its constraints now; who comes second finds it made.
MERGE (s:Store {id: $store})
ON CREATE SET s.schema_version = $schema_version, s.writes = 0, s.market_version = 0, s.published_run = 0
ON MATCH SET s.schema_version = CASE WHEN s.schema_version < $schema_version THEN $schema_version ELSE s.schema_version END
REMOVE s.are_reports_named
RETURN s.schema_version

// name: place_reports
// Reports of a store from before they were known by their merchants too, or of one that such an import made.
// allows NodeByLabelScan: all of them are asked for
MATCH (r:Report) USING SCAN r:Report WHERE r.merchant IS NULL
MATCH (m)-[:FILED_REPORT]->(r)
CALL (m, r) { SET r.merchant = m.merchant } IN TRANSACTIONS OF 10000 ROWS

// name: list_verifications
// What is kept of verifications; asking for any id lets the index of both be used.
MATCH (v:Record) WHERE v.kind = 'verification' AND v.id IS NOT NULL
RETURN v.id, v.version, v.state

// name: find_merchants_of_reports
// Whose reports are, while each has an id that no other has.
UNWIND $report_ids AS report_id
MATCH (r:Report) USING INDEX SEEK r:Report(report_id, merchant)
WHERE r.report_id = report_id AND r.merchant IS NOT NULL
MATCH (m)-[:FILED_REPORT]->(r)
RETURN report_id, m.merchant_id

// name: name_reports
// Records of reports, and the files of verifications, name reports by their merchants too, once; the records in
// two steps, since the name of one may be what another was known by. They leave their lists, where their ids stand.
MATCH (s:Store {id: $store})
SET s.writes = s.writes
WITH s WHERE s.schema_version < $schema_version AND s.are_reports_named IS NULL
CALL () {
    MATCH (r:Record)-[:CONCERNS]->(m:Subject) WHERE r.kind = 'report' AND r.id IS NOT NULL AND m.kind = 'merchant'
    SET r.id = '\n' + replace(replace(m.id, '%', '%25'), '/', '%2F') + '/' + r.id
}
CALL () {
    MATCH (r:Record) WHERE r.kind = 'report' AND r.id STARTS WITH '\n'
    SET r.id = substring(r.id, 1)
    WITH r
    MATCH (r)-[l:LISTED_IN]->()
    DELETE l
}
CALL () {
    UNWIND $states AS row
    MATCH (v:Record {kind: 'verification', id: row[0], version: row[1]})-[:HAS]->(e:Event {version: row[1]})
    SET v.state = row[2], e.state = row[2]
}
SET s.are_reports_named = true

// name: begin_write
// Each writer waits for the one before, counts itself, leaves its mark, and shows that it holds its lease; while
// the store is replaced, only who began that last may write.
MATCH (s:Store {id: $store}) WHERE s.replacing IS NULL AND $replaces IS NULL OR s.replaced_by = $replaces
SET s.writes = s.writes + 1, s.mark = $mark
WITH s
OPTIONAL MATCH (l:Lease {name: $lease}) WHERE l.token = $token AND l.expires_at > 0
SET l.mark = $mark
RETURN s.writes, l IS NOT NULL

// name: settle_last_write
// Whether a commit took place whose answer was lost: locks the store, so that one still under way has ended.
MATCH (s:Store {id: $store})
SET s.writes = s.writes
WITH s
OPTIONAL MATCH (l:Lease {name: $lease})
RETURN s.writes, s.mark, l.mark

// name: find_pins
// What a snapshot shows from its first moment on.
MATCH (s:Store {id: $store})
RETURN s.market_version, s.published_run, s.writes

// name: find_health
// Where the store stands.
MATCH (s:Store {id: $store})
OPTIONAL MATCH (r:Run {run: s.published_run})
RETURN s.schema_version, s.market_version, r.run, r.ended_at
