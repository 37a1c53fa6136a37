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
RETURN s.schema_version

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
