// name: save_rings
// What a run says of rings, with their members as it tells them; buyers that were loaded are tied to them too.
UNWIND $rows AS row
MATCH (u:Run {run: $run})
MERGE (r:Ring {ring_id: row[0]})
MERGE (n:Network {network_id: row[2]})
CREATE (r)-[:PART_OF {run: $run}]->(n)
CREATE (r)-[:FOUND_BY {run: $run, place: row[1], network_id: row[2], score: row[3], size: row[4], claims: row[5],
    merchants: row[6], occasions: row[7], amount: row[8], first_claim_at: row[9], last_claim_at: row[10],
    p_value: row[11], method: row[12], why: row[13], origin_ring_id: row[14], buyer_ids: row[15],
    member_scores: row[16], member_whys: row[17], evidence_batches: row[18], link_batches: row[19]}]->(u)
WITH r, row
UNWIND range(0, size(row[15]) - 1) AS place
MATCH (b:Buyer {buyer_id: row[15][place]})
CREATE (b)-[:MEMBER_OF {run: $run, place: place, score: row[16][place], why: row[17][place]}]->(r)

// name: save_lineage
// What became of rings; a ring that was born came from itself.
UNWIND $rows AS row
MERGE (r:Ring {ring_id: row[1]})
MERGE (p:Ring {ring_id: CASE row[3] WHEN '' THEN row[1] ELSE row[3] END})
CREATE (r)-[:CAME_FROM {run: $run, place: row[0], event: row[2], previous_ring_id: row[3], common: row[4]}]->(p)

// name: begin_lives
// New rings are born in the run that is about to be published; nobody counts them before the store names it.
MATCH (r)-[f:FOUND_BY]->() WHERE f.run = $run AND r.first_run IS NULL
WITH r, f LIMIT $rows
SET r.first_run = $run, r.origin_ring_id = f.origin_ring_id
RETURN count(r)

// name: take_lives_back
// Rings of a run that came to nothing were not born.
MATCH (r:Ring) WHERE r.first_run = $run
WITH r LIMIT $rows
SET r.first_run = null, r.origin_ring_id = null
RETURN count(r)

// name: clear_members
// Some members of a run are deleted at a time.
MATCH ()-[m:MEMBER_OF]->() WHERE m.run = $run
WITH m LIMIT $rows
DELETE m
RETURN count(m)

// name: clear_networks
// A network goes with the last that tells of it.
MATCH ()-[p:PART_OF]->(n) WHERE p.run = $run
WITH p, n LIMIT $rows
DELETE p
WITH collect(DISTINCT n) AS networks, count(p) AS cleared
CALL (networks) {
    UNWIND networks AS n
    WITH n WHERE NOT EXISTS { (n)--() }
    DELETE n
}
RETURN cleared

// name: clear_findings
// A ring that was never published goes with the last that tells of it.
MATCH (r)-[f:FOUND_BY]->() WHERE f.run = $run
WITH f, r LIMIT $rows
DELETE f
WITH collect(DISTINCT r) AS rings, count(f) AS cleared
CALL (rings) {
    UNWIND rings AS r
    WITH r WHERE r.first_run IS NULL AND NOT EXISTS { (r)--() }
    DELETE r
}
RETURN cleared

// name: clear_lineage
// Of the lives of published rings every step stays but `kept`.
MATCH (r)-[c:CAME_FROM]->(p) WHERE c.run = $run AND (c.event = 'kept' OR NOT $but_lives)
WITH c, r, p LIMIT $rows
DELETE c
WITH collect(r) + collect(p) AS rings, count(c) AS cleared
CALL (rings) {
    UNWIND rings AS r
    WITH DISTINCT r WHERE r.first_run IS NULL AND NOT EXISTS { (r)--() }
    DELETE r
}
RETURN cleared

// name: find_rings
// What a run says of rings, in the order asked for, and of their lives as far as they were published.
<<readable_run>>
<<asked_rings>>
RETURN r.ring_id, f.run, f.network_id, f.score, f.size, f.claims, f.merchants, f.amount, f.first_claim_at,
    f.last_claim_at, f.why,
    CASE WHEN r.first_run <= published THEN r.first_run ELSE f.run END,
    CASE WHEN r.first_run <= published THEN r.origin_ring_id ELSE f.origin_ring_id END,
    f.p_value, f.occasions, coalesce(f.method, 'coincidence')
ORDER BY place

// name: find_last_known_ring
// What the last published run that had a ring says of it.
<<published>>
MATCH (r:Ring {ring_id: $ring_id})-[f:FOUND_BY]->(u)
WHERE u.run = published OR u.run < published AND u.state = 'published' AND u.is_kept
RETURN r.ring_id, f.run, f.network_id, f.score, f.size, f.claims, f.merchants, f.amount, f.first_claim_at,
    f.last_claim_at, f.why, r.first_run, r.origin_ring_id, f.p_value,
    f.occasions, coalesce(f.method, 'coincidence')
ORDER BY u.run DESC LIMIT 1

// name: find_members
// The members of rings, ring by ring as asked for.
<<readable_run>>
<<asked_rings>>
RETURN r.ring_id, f.buyer_ids, f.member_scores, f.member_whys
ORDER BY place

// name: find_ring_batches
// Where a run keeps the claims and the links of rings, ring by ring as asked for.
<<readable_run>>
<<asked_rings>>
RETURN u.run, r.ring_id, f.buyer_ids, f.evidence_batches, f.link_batches
ORDER BY place

// name: list_last_members
// The members of each ring as the last published run says that had it.
<<published>>
MATCH (r:Ring) WHERE r.first_run <= published
CALL (r, published) {
    MATCH (r)-[f:FOUND_BY]->(u)
    WHERE u.run = published OR u.run < published AND u.state = 'published' AND u.is_kept
    RETURN f ORDER BY u.run DESC LIMIT 1
}
RETURN r.ring_id, f.buyer_ids, f.member_scores
ORDER BY r.ring_id

// name: list_names
// Rings that were ever published.
<<published>>
MATCH (r:Ring) WHERE r.first_run <= published
RETURN r.ring_id

// name: list_born_before
// Rings that were first published before a moment.
<<published>>
MATCH (r:Ring) WHERE r.first_run <= published
MATCH (u:Run {run: r.first_run}) WHERE u.ended_at < $moment
RETURN r.ring_id

// name: list_origins
// Rings that were split from another.
<<published>>
MATCH (r:Ring) WHERE r.first_run <= published AND r.origin_ring_id IS NOT NULL
RETURN r.ring_id, r.origin_ring_id
ORDER BY r.ring_id

// name: list_lineage
// The lives of rings, as themselves and as the previous ring of another; `kept` as long as its run is kept.
<<published>>
UNWIND $ring_ids AS ring_id
MATCH (:Ring {ring_id: ring_id})-[c:CAME_FROM]-()
WITH DISTINCT published, c
MATCH (u:Run {run: c.run})
WHERE u.run <= published AND u.state = 'published' AND (u.is_kept OR c.event <> 'kept' OR u.run = published)
RETURN c.run, startNode(c).ring_id, c.event, c.previous_ring_id, c.common
ORDER BY c.run, c.place
