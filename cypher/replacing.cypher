// name: begin_replacing
// From now on there is nothing to be seen in the store, and nobody holds a lease they held before; whoever began
// to replace it before writes nothing more.
MATCH (s:Store {id: $store})
SET s.writes = s.writes + 1, s.replacing = 'clearing', s.replaced_by = $by, s.market_version = 0,
    s.published_run = 0, s.drawn_run = 0
WITH s
MATCH (l:Lease) WHERE l.name IN $leases
SET l.token = l.token + 1, l.expires_at = 0

// name: go_on_replacing
// What was written stays; whoever wrote it writes nothing more.
MATCH (s:Store {id: $store})
SET s.writes = s.writes + 1, s.replaced_by = $by
WITH s
MATCH (l:Lease) WHERE l.name IN $leases
SET l.token = l.token + 1, l.expires_at = 0

// name: clear_all_relationships
// Before their nodes, since some of those have too many for one transaction.
// allows DirectedAllRelationshipsScan: all of them go
// allows CartesianProduct: there is one store
MATCH (:Store {id: $store, replaced_by: $by})
MATCH ()-[r]->()
WITH r LIMIT $rows
CALL (r) { DELETE r } IN TRANSACTIONS OF 10000 ROWS
RETURN count(*)

// name: clear_all_nodes
// All but what says whose database it is, and what makes tokens of leases grow.
// allows AllNodesScan: all of them go
// allows CartesianProduct: there is one store
MATCH (:Store {id: $store, replaced_by: $by})
MATCH (n) WHERE NOT n:Store AND NOT n:Lease
WITH n LIMIT $rows
CALL (n) { DELETE n } IN TRANSACTIONS OF 1000 ROWS
RETURN count(*)

// name: begin_rewriting
// What is in the store from now on is of the backup.
MATCH (s:Store {id: $store})
SET s.replacing = 'writing'

// name: end_replacing
// The store is what the backup holds.
MATCH (s:Store {id: $store})
REMOVE s.replacing, s.replaced_by
