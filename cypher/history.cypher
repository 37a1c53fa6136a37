// name: read_load_claims
// What a load said of its claims, whatever was said later; a column each.
UNWIND $keys AS id
MATCH (c:Claim {claim_id: id}) USING INDEX SEEK c:Claim(claim_id)
WITH c
MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
OPTIONAL MATCH (c)-[:SHIPPED_TO]->(a)
WITH collect({c: c, b: b, m: m, a: a}) AS rows
RETURN [row IN rows | row.c.claim_id], [row IN rows | row.b.buyer], [row IN rows | row.m.merchant],
    [row IN rows | row.c.filed_at], [row IN rows | row.c.amount], [row IN rows | row.c.currency],
    [row IN rows | row.c.kind], [row IN rows | row.c.reason], [row IN rows | row.c.order_id],
    [row IN rows | row.c.category], [row IN rows | row.c.country], [row IN rows | row.a.value],
    [row IN rows | row.c.device], [row IN rows | row.c.payment], [row IN rows | row.c.phone],
    [row IN rows | row.c.email], [row IN rows | row.c.paid_at], [row IN rows | row.c.evidence_kinds],
    [row IN rows | row.c.high_value], [row IN rows | row.c.delivered_at], [row IN rows | row.c.refunded],
    [row IN rows | row.c.evidence_count], [row IN rows | row.c.status]

// name: read_load_orders
// A load's orders of some buyers; a column each.
UNWIND $keys AS buyer
MATCH (b:Buyer {buyer: buyer}) USING INDEX SEEK b:Buyer(buyer)
WITH b
MATCH (b)-[o:ORDERED]->(m) WHERE o.load = $load
WITH collect({b: b, o: o, m: m}) AS rows
RETURN [row IN rows | row.o.order_id], [row IN rows | row.b.buyer], [row IN rows | row.m.merchant],
    [row IN rows | row.o.ordered_at], [row IN rows | row.o.amount], [row IN rows | row.o.currency],
    [row IN rows | row.o.category], [row IN rows | row.o.country], [row IN rows | row.o.address],
    [row IN rows | row.o.delivered_at]

// name: read_load_uses
// What a load said of what some buyers used; a column each.
UNWIND $keys AS buyer
MATCH (b:Buyer {buyer: buyer}) USING INDEX SEEK b:Buyer(buyer)
WITH b
MATCH (b)-[u:USES]->(i) WHERE u.load = $load
WITH collect({b: b, u: u, i: i}) AS rows
RETURN [row IN rows | row.b.buyer], [row IN rows | row.i.value], [row IN rows | row.u.first_at],
    [row IN rows | row.u.last_at]

// name: read_load_changes
// What a load said of known claims.
MATCH (h:Change {load: $load})<-[:CHANGED_BY]-(c:Claim)
RETURN c.claim_id, h.delivered_at, h.refunded, h.evidence_count, h.status

// name: read_load_reports
// A load's reports.
MATCH (r:Report {load: $load})
MATCH (m:Merchant)-[:FILED_REPORT]->(r)-[:ACCUSES]->(b:Buyer)
RETURN r.report_id, m.merchant, b.buyer, r.reported_at, r.claim_id, r.reason, r.evidence_count

// name: read_load_merchants
// What a load said of merchants.
MATCH (d:Description {load: $load})<-[:DESCRIBED_BY]-(m:Merchant)
RETURN m.merchant, d.name, d.country, d.level, d.joined_at, d.owner, d.fulfilment, d.return_address

// name: read_load_buyers
// What a load said of buyers.
MATCH (d:Description {load: $load})<-[:DESCRIBED_BY]-(b:Buyer)
RETURN b.buyer, d.country, d.registered_at

// name: read_load_rates
// A load's rates.
MATCH (r:Rate {load: $load})
RETURN r.currency, r.date, r.rate

// name: find_what_is_kept
// Whether the findings of a run are kept, and the tables that were written.
MATCH (u:Run {run: $run})
RETURN u.is_kept, u.tables

// name: read_steps
// What is left of a run's lineage when its findings are cleared away.
MATCH (r:Ring)-[c:CAME_FROM]->(:Ring) WHERE c.run = $run AND c.event <> 'kept'
RETURN r.ring_id, c.event, c.previous_ring_id, c.common
ORDER BY c.place

// name: list_births
// The rings that a run published first.
MATCH (r:Ring) WHERE r.first_run = $run
RETURN r.ring_id, r.origin_ring_id
ORDER BY r.ring_id

// name: find_run_not_before
// A run that ended, of this number or a later one.
MATCH (s:Store {id: $store})
WITH s.published_run AS published
MATCH (u:Run) WHERE u.run >= $run
WITH u, published WHERE u.state <> 'running' AND (u.state <> 'published' OR u.run <= published)
RETURN u.run LIMIT 1

// name: find_runs_under_way
// Runs that nobody ended; whoever asks holds the lease, so nobody is at work on them.
MATCH (s:Store {id: $store})
WITH s.published_run AS published
MATCH (u:Run) WHERE u.run > 0 AND (u.state = 'running' OR u.state = 'published' AND u.run > published)
RETURN u.run

// name: drop_run
// The number is free again: nothing of the run was seen.
MATCH (u:Run {run: $run})
DELETE u

// name: put_births
// Rings live from the run on that published them first.
UNWIND $rows AS row
MERGE (r:Ring {ring_id: row[0]})
SET r.first_run = $run, r.origin_ring_id = row[1]

// name: list_concerns
// Whom and what each record of a kind concerns.
MATCH (r:Record) WHERE r.kind = $kind AND r.id IS NOT NULL
MATCH (r)-[c:CONCERNS]->(s:Subject) WHERE c.write <= coalesce($write, c.write)
RETURN r.id, s.kind, s.id
ORDER BY r.id, s.kind, s.id
