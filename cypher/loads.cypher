// name: find_unfinished_load
// The load after the last complete one, where it was interrupted.
MATCH (s:Store {id: $store})
WITH s
MATCH (l:Load {load: s.market_version + 1})
RETURN l.load, l.digest, l.plan, l.written

// name: mark_cleared
// Whatever it wrote is being cleared away: it is not taken up any more.
MATCH (l:Load {load: $load})
SET l.plan = $plan, l.written = 0

// name: begin_load
// The number after the last complete load is taken once, also by one that takes the place of another.
MATCH (s:Store {id: $store})
MERGE (l:Load {load: s.market_version + 1})
SET l.digest = $digest, l.source = $source, l.begun_at = $begun_at, l.plan = $plan, l.written = 0
RETURN l.load

// name: note_batch
// Notes that a batch is there, unless that is noted already: then its commit went through unheard.
MATCH (l:Load {load: $load}) WHERE l.written = $number
SET l.written = $number + 1
RETURN l.written

// name: finish_load
// All its rows are seen from here on; a clock that was set back must not make it end before it began.
// allows CartesianProduct: of one store and one load
MATCH (s:Store {id: $store})
MATCH (l:Load {load: $load})
SET l.finished_at = CASE WHEN l.begun_at > $now THEN l.begun_at ELSE $now END,
    l.last_buyer = $buyers, l.last_merchant = $merchants, l.last_value = $identifiers, s.market_version = $load
RETURN l.load, l.begun_at, l.finished_at, l.source

// name: find_last_numbers
// The last numbers of buyers, merchants and values that a load and those before it gave.
MATCH (l:Load {load: $load})
RETURN l.last_buyer, l.last_merchant, l.last_value

// name: find_buyer_numbers
// Under which numbers earlier loads know buyers.
UNWIND range(0, size($names) - 1) AS place
MATCH (b:Buyer {buyer_id: $names[place]}) USING INDEX SEEK b:Buyer(buyer_id) WHERE b.load < $load
RETURN collect(place), collect(b.buyer)

// name: find_merchant_numbers
// Under which numbers earlier loads know merchants.
UNWIND range(0, size($names) - 1) AS place
MATCH (m:Merchant {merchant_id: $names[place]}) USING INDEX SEEK m:Merchant(merchant_id) WHERE m.load < $load
RETURN collect(place), collect(m.merchant)

// name: find_value_numbers
// Under which numbers earlier loads know values.
UNWIND range(0, size($names) - 1) AS place
MATCH (i:Identifier {exact: $names[place]}) USING INDEX SEEK i:Identifier(exact) WHERE i.load < $load
RETURN collect(place), collect(i.value)

// name: find_known_claims
// Claims by id, as last changed, with all they are known by; a column each.
UNWIND $keys AS key
MATCH (c:Claim {claim_id: key[0]}) USING INDEX SEEK c:Claim(claim_id) WHERE c.load <= $version
WITH c
MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
OPTIONAL MATCH (c)-[:SHIPPED_TO]->(a)
CALL (c) {
    OPTIONAL MATCH (c)-[:CHANGED_BY]->(h) WHERE h.load <= $version
    RETURN h ORDER BY h.load DESC LIMIT 1
}
WITH collect({c: c, b: b, m: m, a: a, now: CASE WHEN h IS NULL THEN c ELSE h END}) AS rows
RETURN [row IN rows | row.c.claim_id], [row IN rows | row.b.buyer_id], [row IN rows | row.m.merchant_id],
    [row IN rows | row.c.filed_at], [row IN rows | row.c.amount], [row IN rows | row.c.currency],
    [row IN rows | row.c.kind], [row IN rows | row.c.reason], [row IN rows | row.c.order_id],
    [row IN rows | row.c.category], [row IN rows | row.c.country], [row IN rows | row.a.value],
    [row IN rows | row.c.device], [row IN rows | row.c.payment], [row IN rows | row.c.phone],
    [row IN rows | row.c.email], [row IN rows | row.c.paid_at], [row IN rows | row.c.evidence_kinds],
    [row IN rows | row.c.high_value], [row IN rows | row.now.delivered_at], [row IN rows | row.now.refunded],
    [row IN rows | row.now.evidence_count], [row IN rows | row.now.status]

// name: find_known_orders
// Orders by id with all they are known by; a column each.
UNWIND $keys AS key
MATCH (b)-[o:ORDERED {order_id: key[0]}]->(m) USING INDEX SEEK o:ORDERED(order_id) WHERE o.load <= $version
WITH collect({o: o, b: b, m: m}) AS rows
RETURN [row IN rows | row.o.order_id], [row IN rows | row.b.buyer_id], [row IN rows | row.m.merchant_id],
    [row IN rows | row.o.ordered_at], [row IN rows | row.o.amount], [row IN rows | row.o.currency],
    [row IN rows | row.o.category], [row IN rows | row.o.country], [row IN rows | row.o.address],
    [row IN rows | row.o.delivered_at]

// name: find_known_reports
// Reports by id and merchant with all they are known by; a column each.
UNWIND $keys AS key
MATCH (m:Merchant {merchant_id: key[1]}) USING INDEX SEEK m:Merchant(merchant_id)
MATCH (r:Report {report_id: key[0], merchant: m.merchant}) USING INDEX SEEK r:Report(report_id, merchant)
WHERE coalesce(r.load, 0) <= $version
WITH m, r
MATCH (r)-[:ACCUSES]->(b)
WITH collect({r: r, b: b, m: m}) AS rows
RETURN [row IN rows | row.r.report_id], [row IN rows | row.m.merchant_id], [row IN rows | row.b.buyer_id],
    [row IN rows | row.r.reported_at], [row IN rows | row.r.claim_id], [row IN rows | row.r.reason],
    [row IN rows | row.r.evidence_count]

// name: find_pseudonyms
// What stands for values, by their numbers.
UNWIND $numbers AS number
MATCH (i:Identifier {value: number}) USING INDEX SEEK i:Identifier(value)
RETURN collect(i.value), collect(i.exact)

// name: keep_columns
// What detection reads of a batch, as one piece of bytes.
CREATE (:Batch {load: $load, name: $name, number: $number, columns: $columns})

// name: create_buyers
// Buyers nobody knew.
UNWIND range(0, $rows - 1) AS row
CREATE (:Buyer {buyer: $buyer[row], buyer_id: $buyer_id[row], load: $load})

// name: create_merchants
// Merchants nobody knew.
UNWIND range(0, $rows - 1) AS row
CREATE (:Merchant {merchant: $merchant[row], merchant_id: $merchant_id[row], load: $load})

// name: create_identifiers
// Values nobody knew, of one kind.
UNWIND range(0, $rows - 1) AS row
CREATE (:Identifier:$($label) {value: $value[row], exact: $exact[row], normaliser: $normaliser, load: $load})

// name: create_uses
// Who used which value, as this load tells it.
// allows CartesianProduct: of one buyer and one value
UNWIND range(0, $rows - 1) AS row
MATCH (b:Buyer {buyer: $buyer[row]}) USING INDEX SEEK b:Buyer(buyer)
MATCH (i:Identifier {value: $value[row]}) USING INDEX SEEK i:Identifier(value)
CREATE (b)-[:USES {first_at: $first_at[row], last_at: $last_at[row], load: $load}]->(i)

// name: create_claims
// Claims nobody knew, each with the buyer, the merchant and the address it names.
// allows CartesianProduct: of one buyer and one merchant
UNWIND range(0, $rows - 1) AS row
MATCH (b:Buyer {buyer: $buyer[row]}) USING INDEX SEEK b:Buyer(buyer)
MATCH (m:Merchant {merchant: $merchant[row]}) USING INDEX SEEK m:Merchant(merchant)
OPTIONAL MATCH (a:Identifier {value: $address[row]}) USING INDEX SEEK a:Identifier(value)
CREATE (b)-[:FILED]->(c:Claim {claim_id: $claim_id[row], filed_at: $filed_at[row], amount: $amount[row],
    currency: $currency[row], kind: $kind[row], reason: $reason[row], order_id: $order_id[row],
    category: $category[row], country: $country[row], device: $device[row], payment: $payment[row],
    phone: $phone[row], email: $email[row], paid_at: $paid_at[row], evidence_kinds: $evidence_kinds[row],
    high_value: $high_value[row], delivered_at: $delivered_at[row], refunded: $refunded[row],
    evidence_count: $evidence_count[row], status: $status[row], load: $load})-[:AGAINST]->(m)
FOREACH (there IN CASE WHEN a IS NULL THEN [] ELSE [a] END | CREATE (c)-[:SHIPPED_TO]->(there))

// name: create_orders
// Orders nobody knew.
// allows CartesianProduct: of one buyer and one merchant
UNWIND range(0, $rows - 1) AS row
MATCH (b:Buyer {buyer: $buyer[row]}) USING INDEX SEEK b:Buyer(buyer)
MATCH (m:Merchant {merchant: $merchant[row]}) USING INDEX SEEK m:Merchant(merchant)
CREATE (b)-[:ORDERED {order_id: $order_id[row], ordered_at: $ordered_at[row], amount: $amount[row],
    currency: $currency[row], category: $category[row], country: $country[row], address: $address[row],
    delivered_at: $delivered_at[row], load: $load}]->(m)

// name: create_changes
// Later words on known claims.
UNWIND range(0, $rows - 1) AS row
MATCH (c:Claim {claim_id: $claim_id[row]}) USING INDEX SEEK c:Claim(claim_id)
CREATE (c)-[:CHANGED_BY]->(:Change {delivered_at: $delivered_at[row], refunded: $refunded[row],
    evidence_count: $evidence_count[row], status: $status[row], load: $load})

// name: create_reports
// Accusations nobody knew, each about its claim where that is known; one may have been filed by call since the
// load was held against what is known.
// allows CartesianProduct: of one buyer and one merchant
UNWIND range(0, $rows - 1) AS row
OPTIONAL MATCH (known:Report {report_id: $report_id[row], merchant: $merchant[row]})
    USING INDEX SEEK known:Report(report_id, merchant)
WITH row, known WHERE known IS NULL
MATCH (m:Merchant {merchant: $merchant[row]}) USING INDEX SEEK m:Merchant(merchant)
MATCH (b:Buyer {buyer: $buyer[row]}) USING INDEX SEEK b:Buyer(buyer)
OPTIONAL MATCH (c:Claim {claim_id: $claim_id[row]}) USING INDEX SEEK c:Claim(claim_id)
CREATE (m)-[:FILED_REPORT]->(r:Report {report_id: $report_id[row], merchant: m.merchant,
    reported_at: $reported_at[row], claim_id: $claim_id[row], reason: $reason[row],
    evidence_count: $evidence_count[row], load: $load})-[:ACCUSES]->(b)
FOREACH (claim IN CASE WHEN c IS NULL THEN [] ELSE [c] END | CREATE (r)-[:ABOUT]->(claim))

// name: describe_buyers
// What this load says of buyers.
UNWIND range(0, $rows - 1) AS row
MATCH (b:Buyer {buyer: $buyer[row]}) USING INDEX SEEK b:Buyer(buyer)
CREATE (b)-[:DESCRIBED_BY]->(:Description {country: $country[row], registered_at: $registered_at[row],
    load: $load})

// name: describe_merchants
// What this load says of merchants.
UNWIND range(0, $rows - 1) AS row
MATCH (m:Merchant {merchant: $merchant[row]}) USING INDEX SEEK m:Merchant(merchant)
CREATE (m)-[:DESCRIBED_BY]->(:Description {name: $name[row], country: $country[row], level: $level[row],
    joined_at: $joined_at[row], owner: $owner[row], fulfilment: $fulfilment[row],
    return_address: $return_address[row], load: $load})

// name: create_rates
// What currencies were worth.
UNWIND range(0, $rows - 1) AS row
CREATE (:Rate {currency: $currency[row], date: $date[row], rate: $rate[row], load: $load})

// name: clear_changes
// Some of what an interrupted load said of claims.
MATCH (c:Change {load: $load})
WITH c LIMIT $limit
DETACH DELETE c
RETURN count(*)

// name: clear_reports
// Some of an interrupted load's reports.
MATCH (r:Report {load: $load})
WITH r LIMIT $limit
DETACH DELETE r
RETURN count(*)

// name: clear_descriptions
// Some of what an interrupted load said of buyers and merchants.
MATCH (d:Description {load: $load})
WITH d LIMIT $limit
DETACH DELETE d
RETURN count(*)

// name: clear_rates
// Some of an interrupted load's rates.
MATCH (r:Rate {load: $load})
WITH r LIMIT $limit
DELETE r
RETURN count(*)

// name: take_batch
// Columns of an interrupted load, taken away together with the rows they lead to.
MATCH (b:Batch {load: $load, name: $name}) WHERE b.number >= 0
WITH b, b.columns AS columns LIMIT 1
DELETE b
RETURN columns

// name: clear_orders
// An interrupted load's orders of some buyers.
UNWIND $keys AS buyer
MATCH (b:Buyer {buyer: buyer})-[o:ORDERED]->() USING INDEX SEEK b:Buyer(buyer) WHERE o.load = $load
DELETE o

// name: clear_uses
// An interrupted load's uses of some buyers.
UNWIND $keys AS buyer
MATCH (b:Buyer {buyer: buyer})-[u:USES]->() USING INDEX SEEK b:Buyer(buyer) WHERE u.load = $load
DELETE u

// name: clear_claims
// Some claims of an interrupted load.
UNWIND $keys AS claim_id
MATCH (c:Claim {claim_id: claim_id}) USING INDEX SEEK c:Claim(claim_id) WHERE c.load = $load
DETACH DELETE c

// name: clear_identifiers
// Some values that an interrupted load made known.
MATCH (i:Identifier) WHERE i.value > $last
WITH i LIMIT $limit
DETACH DELETE i
RETURN count(*)

// name: clear_merchants
// Some merchants that an interrupted load made known.
MATCH (m:Merchant) WHERE m.merchant > $last
WITH m LIMIT $limit
DETACH DELETE m
RETURN count(*)

// name: clear_buyers
// Some buyers that an interrupted load made known.
MATCH (b:Buyer) WHERE b.buyer > $last
WITH b LIMIT $limit
DETACH DELETE b
RETURN count(*)

// name: clear_columns
// Some columns of an interrupted load.
MATCH (b:Batch {load: $load}) WHERE b.name >= '' AND b.number IS NOT NULL
WITH b LIMIT $limit
DELETE b
RETURN count(*)
