// name: find_record
// What an append must fit to, and whether it is there already after a connection was lost.
MATCH (r:Record {kind: $kind, id: $id})
OPTIONAL MATCH (r)-[:HAS]->(e:Event) WHERE e.version = r.version
RETURN r.version, e.at

// name: append_events
// Events are only ever added; the last of an append keeps the state it led to, so that the past can be shown.
MERGE (r:Record {kind: $kind, id: $id})
SET r.version = $version, r.state = $state, r.write = $write
WITH r
UNWIND $events AS row
CREATE (r)-[:HAS]->(:Event {version: row[0], type: row[1], at: row[2], actor: row[3], data: row[4], state: row[5],
    write: $write})

// name: add_concerns
// Subjects join those the record concerns already; a record that somebody reads the past of keeps their write.
MATCH (r:Record {kind: $kind, id: $id})
UNWIND $subjects AS row
MERGE (s:Subject {kind: row[0], id: row[1]})
MERGE (r)-[c:CONCERNS]->(s)
ON CREATE SET c.write = $write

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
// States of all records of a kind that concern a subject, by id.
MATCH (:Subject {kind: $subject_kind, id: $subject_id})<-[c:CONCERNS]-(r:Record)
WHERE r.kind = $kind AND c.write <= coalesce($write, c.write)
<<record_then>>
RETURN r.id, version, state
ORDER BY r.id
