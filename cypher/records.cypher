// name: find_records
// What appends must fit to, and whether it is there already after a connection was lost.
UNWIND range(0, size($records) - 1) AS place
MATCH (r:Record {kind: $records[place][0], id: $records[place][1]})
OPTIONAL MATCH (r)-[:HAS]->(e:Event) WHERE e.version = r.version
RETURN place, r.version, e.at, r.state

// name: append_events
// Events are only ever added; the last of an append keeps the state it led to, so that the past can be shown.
UNWIND $appends AS row
MERGE (r:Record {kind: row[0], id: row[1]})
SET r.version = row[2], r.state = row[3], r.write = $write
WITH r, row
UNWIND row[4] AS told
CREATE (r)-[:HAS]->(:Event {version: told[0], type: told[1], at: told[2], actor: told[3], data: told[4],
    state: told[5], write: $write})

// name: add_concerns
// Subjects join those the record concerns already; a record that somebody reads the past of keeps their write.
UNWIND $concerns AS row
MATCH (r:Record {kind: row[0], id: row[1]})
MERGE (s:Subject {kind: row[2], id: row[3]})
MERGE (r)-[c:CONCERNS]->(s)
ON CREATE SET c.write = $write

// name: leave_lists
// Records leave the lists where their state puts them no more.
UNWIND $left AS row
MATCH (r:Record {kind: row[0], id: row[1]})
MATCH (r)-[l:LISTED_IN]->(n) WHERE n.list = row[2]
DELETE l
WITH n, count(*) AS gone
SET n.size = n.size - gone, n.write = $write

// name: join_lists
// Records come to the lists where their state puts them; a place is what the list is sorted by, then the id.
UNWIND $joined AS row
MATCH (r:Record {kind: row[0], id: row[1]})
MERGE (n:RecordList {list: row[2]})
ON CREATE SET n.size = 0
CREATE (r)-[:LISTED_IN {list: row[2], place: row[3]}]->(n)
WITH n, count(*) AS more
SET n.size = n.size + more, n.write = $write

// name: read_stream
// All events of a record that a snapshot may see.
MATCH (r:Record {kind: $kind, id: $id})-[:HAS]->(e:Event)
WHERE e.write <= coalesce($write, e.write)
RETURN e.type, e.at, e.actor, e.data
ORDER BY e.version

// name: find_states
// States by id as asked for; where a record was changed after the snapshot began, the one before.
UNWIND range(0, size($ids) - 1) AS place
MATCH (r:Record {kind: $kind, id: $ids[place]})
<<record_then>>
RETURN r.id, version, state
ORDER BY place

// name: list_states
// States of all records of a kind, by id; asking for any id lets the index of both be used.
MATCH (r:Record) WHERE r.kind = $kind AND r.id IS NOT NULL
<<record_then>>
RETURN r.id, version, state
ORDER BY r.id

// name: list_states_concerning_all
// States of all records of some kinds that concern any of several subjects, by kind and id.
UNWIND range(0, size($subjects) - 1) AS place
MATCH (s:Subject {kind: $subjects[place][0], id: $subjects[place][1]})<-[c:CONCERNS]-(r:Record)
WHERE r.kind IN $kinds AND c.write <= coalesce($write, c.write)
<<record_then>>
RETURN place, r.kind, r.id, version, state
ORDER BY place, r.kind, r.id

// name: list_states_concerning
// States of all records of a kind that concern a subject, and all the others, by id.
MATCH (:Subject {kind: $subject[0], id: $subject[1]})<-[c:CONCERNS]-(r:Record)
WHERE r.kind = $kind AND c.write <= coalesce($write, c.write)
    AND all(other IN $others WHERE EXISTS {
        MATCH (r)-[d:CONCERNS]->(s)
        WHERE s.kind = other[0] AND s.id = other[1] AND d.write <= coalesce($write, d.write)
    })
<<record_then>>
RETURN r.id, version, state
ORDER BY r.id

// name: list_listed
// A page of a list, its size, and the writes as of which these are; what changed after a snapshot is left out.
// Whether anything did is asked last.
OPTIONAL MATCH (n:RecordList {list: $list})
WITH coalesce(n.size, 0) AS size, coalesce(n.write, 0) AS counted
CALL (size) {
    MATCH (r:Record)-[l:LISTED_IN]->() WHERE l.list = $list AND l.place > $place
    WITH r, l WHERE r.write <= coalesce($write, r.write)
    WITH r, l ORDER BY l.list, l.place LIMIT $first
    RETURN collect([l.place, r.id, r.version, r.state]) AS page
}
CALL (page) {
    MATCH (s:Store {id: $store})
    RETURN s.writes AS writes
}
RETURN size, counted, page, writes

// name: list_changed
// All states of the records of a kind that changed after a snapshot began.
MATCH (r:Record) WHERE r.kind = $kind AND r.write > $write
MATCH (r)-[:HAS]->(e:Event) WHERE e.state IS NOT NULL
RETURN r.id, e.write, e.version, e.state
ORDER BY e.version

// name: list_states_after
// Records of a store without lists, some at a time.
MATCH (r:Record) WHERE r.kind = $kind AND r.id > $after
RETURN r.id, r.version, r.state
ORDER BY r.kind, r.id LIMIT $first

// name: list_records
// Records of a store without lists come to theirs; of one that changed meanwhile that is not known, so it does not.
MATCH (s:Store {id: $store})
SET s.writes = s.writes
WITH s
UNWIND $records AS row
MATCH (r:Record {kind: $kind, id: row[0]}) WHERE r.version = row[1]
WITH r, row
CALL (r, row) {
    UNWIND row[2] AS told
    MERGE (n:RecordList {list: told[0]})
    MERGE (r)-[:LISTED_IN {list: told[0], place: told[1]}]->(n)
}
RETURN count(r)

// name: count_lists
// The sizes of the lists of a store that had none.
// allows NodeByLabelScan: once, when a store is brought forward
MATCH (s:Store {id: $store})
SET s.writes = s.writes
WITH s
MATCH (n:RecordList)
SET n.size = COUNT { (n)<-[:LISTED_IN]-() }, n.write = s.writes
