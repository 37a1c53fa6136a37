// name: find_drawing
// Which run is drawn, and which ought to be.
MATCH (s:Store {id: $store})
RETURN coalesce(s.drawn_run, 0), s.published_run

// name: end_drawing
// What is drawn is what the run says.
MATCH (s:Store {id: $store})
SET s.drawn_run = $run

// name: list_drawn_targets
// All that is drawn of targets, in columns of some merchants each.
// allows DirectedRelationshipTypeScan: all of them are asked for
MATCH (r:Ring)-[h:HIT]->(m:Merchant)
WITH m.merchant / 10000 AS part, r, h, m
WITH part, collect(r.ring_id) AS rings, collect(m.merchant_id) AS merchants, collect(h.claims) AS claims
RETURN rings, merchants, claims

// name: list_drawn_links
// All that is drawn of links, in columns of some buyers each.
// allows DirectedRelationshipTypeScan: all of them are asked for
MATCH (a:Buyer)-[l:LINKED]->(b:Buyer)
WITH a.buyer / 10000 AS part, a, l, b
WITH part, collect(a.buyer_id) AS from, collect(b.buyer_id) AS to, collect(l.score) AS scores, collect(l.why) AS whys
RETURN from, to, scores, whys

// name: draw_targets
// Against whom a ring's joint claims are, of merchants that were loaded.
UNWIND $rows AS row
MATCH (r:Ring {ring_id: row[0]})
UNWIND range(0, size(row[1]) - 1) AS place
MATCH (m:Merchant {merchant_id: row[1][place]})
CREATE (r)-[:HIT {claims: row[2][place]}]->(m)

// name: draw_links
// Links between buyers that were loaded.
UNWIND $rows AS row
MATCH (a:Buyer {buyer_id: row[0]})
UNWIND range(0, size(row[1]) - 1) AS place
MATCH (b:Buyer {buyer_id: row[1][place]})
CREATE (a)-[:LINKED {score: row[2][place], why: row[3][place]}]->(b)

// name: erase_targets
// Targets that the published run does not tell of, or tells otherwise.
UNWIND $rows AS row
MATCH (:Ring {ring_id: row[0]})-[h:HIT]->(:Merchant {merchant_id: row[1]})
DELETE h

// name: erase_links
// Links that the published run does not tell of, or tells otherwise.
UNWIND $rows AS row
MATCH (a:Buyer {buyer_id: row[0]})-[l:LINKED]->(b) USING INDEX SEEK a:Buyer(buyer_id)
WHERE b.buyer_id = row[1]
DELETE l
