// name: readable_run
// Run `u`, whose findings are meant: the published one, or one that is kept and was named.
MATCH (s:Store {id: $store})
WITH coalesce($pinned, s.published_run) AS published
MATCH (u:Run {run: coalesce($run, published)})
WHERE u.run = published OR u.is_kept AND (u.state = 'withheld' OR u.run < published)

// name: published
// Which run everybody sees, or the one a snapshot shows.
MATCH (s:Store {id: $store})
WITH coalesce($pinned, s.published_run) AS published

// name: market_version
// From which load on nothing is seen: the last complete one, or the one a snapshot shows.
MATCH (s:Store {id: $store})
WITH coalesce($version, s.market_version) AS version

// name: sees_buyer
// Buyer `b` exists for whoever asks: a merchant sees those who claimed or ordered there since a moment.
b.load <= version AND ($merchant_id IS NULL
    OR EXISTS {
        (b)-[:FILED]->(c)-[:AGAINST]->(m)
        WHERE m.merchant_id = $merchant_id AND c.filed_at >= $since AND c.load <= version
    }
    OR EXISTS {
        (b)-[o:ORDERED]->(m)
        WHERE m.merchant_id = $merchant_id AND o.ordered_at >= $since AND o.load <= version
    })

// name: sees_report
// Report `r` came with a load that is complete, or was filed by call before a snapshot began.
(r.load <= version OR r.write <= coalesce($write, r.write))

// name: follows
// Report `r` of merchant `m` stands after a place in the list of the latest first; for each side of an OR the
// planner would read the index once, and out of order.
r.reported_at <= $reported_at AND CASE WHEN r.reported_at < $reported_at THEN true
    WHEN r.report_id = $report_id THEN m.merchant_id > $of_merchant ELSE r.report_id > $report_id END

// name: report_columns
// A report as people read it.
r.report_id, m.merchant_id, b.buyer_id, r.reported_at, r.claim_id, r.reason, r.evidence_count

// name: claim_columns
// A claim as people read it.
c.claim_id, b.buyer_id, m.merchant_id, c.filed_at, c.amount, c.currency, c.kind, c.reason, now.status,
    c.order_id, c.category, c.country, c.paid_at, now.delivered_at, now.refunded, now.evidence_count, c.high_value

// name: claim_now
// The last word on claim `c`, `now`: a later load's, or its own.
CALL (c, version) {
    OPTIONAL MATCH (c)-[:CHANGED_BY]->(h) WHERE h.load <= version
    RETURN h ORDER BY h.load DESC LIMIT 1
}

// name: asked_rings
// Rings `r` in the order asked for, and what the run says of them, `f`.
UNWIND range(0, size($ring_ids) - 1) AS place
MATCH (r:Ring {ring_id: $ring_ids[place]})
MATCH (r)-[f:FOUND_BY]->(u)

// name: record_then
// Version and state of record `r`; where it was changed after a snapshot began, the ones before.
CALL (r) {
    WITH r WHERE r.write <= coalesce($write, r.write)
    RETURN r.version AS version, r.state AS state
  UNION ALL
    WITH r WHERE r.write > $write
    MATCH (r)-[:HAS]->(e:Event) WHERE e.write <= $write AND e.state IS NOT NULL
    RETURN e.version AS version, e.state AS state ORDER BY version DESC LIMIT 1
}
