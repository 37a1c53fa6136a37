// name: find_version
// Nobody sees rows of a load that this does not name yet.
MATCH (s:Store {id: $store})
RETURN coalesce($version, s.market_version)

// name: find_load_by_digest
// The same files are known by what they hold.
<<market_version>>
MATCH (l:Load {digest: $digest}) USING INDEX SEEK l:Load(digest) WHERE l.load <= version
RETURN l.load, l.begun_at, l.finished_at, l.source

// name: list_loads
// Complete loads, oldest first.
<<market_version>>
MATCH (l:Load) WHERE l.load <= version
RETURN l.load, l.begun_at, l.finished_at, l.source
ORDER BY l.load

// name: read_columns
// Columns kept under a name by all loads from one up to another, in the order they were written.
UNWIND range($since, $version) AS load
MATCH (b:Batch {load: load, name: $name}) WHERE b.number >= 0
RETURN b.columns
ORDER BY load, b.number

// name: find_buyers
// Buyers by id in the order asked for, as far as the scope sees them, with what it sees of them.
<<market_version>>
UNWIND range(0, size($buyer_ids) - 1) AS place
MATCH (b:Buyer {buyer_id: $buyer_ids[place]}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
CALL (b, version) {
    MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
    WHERE c.load <= version AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
    RETURN count(c) AS claims, min(c.filed_at) AS first_at, max(c.filed_at) AS last_at
}
CALL (b, version) {
    MATCH (b)-[o:ORDERED]->(m)
    WHERE o.load <= version AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
    RETURN count(o) AS orders
}
CALL (b, version) {
    MATCH (b)-[:DESCRIBED_BY]->(d) WHERE d.load <= version
    WITH d ORDER BY d.load DESC
    RETURN head(collect(d.country)) AS country, head(collect(d.registered_at)) AS registered_at
}
RETURN b.buyer_id, country, registered_at, claims, orders, first_at, last_at
ORDER BY place

// name: find_sighted
// Ids of buyers in the order asked for, as far as the scope sees them; and what a snapshot shows that begins so.
MATCH (s:Store {id: $store})
WITH s.market_version AS loads, s.published_run AS run, s.writes AS write,
    coalesce($version, s.market_version) AS version
CALL (version) {
    UNWIND range(0, size($buyer_ids) - 1) AS place
    MATCH (b:Buyer {buyer_id: $buyer_ids[place]}) USING INDEX SEEK b:Buyer(buyer_id)
    WHERE <<sees_buyer>>
    WITH b ORDER BY place
    RETURN collect(b.buyer_id) AS found
}
RETURN found, loads, run, write

// name: find_merchants
// Merchants by id in the order asked for, each property as loads last told it.
<<market_version>>
UNWIND range(0, size($merchant_ids) - 1) AS place
MATCH (m:Merchant {merchant_id: $merchant_ids[place]}) USING INDEX SEEK m:Merchant(merchant_id)
WHERE m.load <= version
CALL (m, version) {
    MATCH (m)-[:DESCRIBED_BY]->(d) WHERE d.load <= version
    WITH d ORDER BY d.load DESC
    RETURN head(collect(d.name)) AS name, head(collect(d.country)) AS country, head(collect(d.level)) AS level,
        head(collect(d.joined_at)) AS joined_at, head(collect(d.owner)) AS owner
}
RETURN m.merchant_id, name, country, level, joined_at, owner
ORDER BY place

// name: list_claims
// A page of a buyer's claims within the scope, latest first, as last changed.
<<market_version>>
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
WHERE c.load <= version AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
    AND ($filed_at IS NULL OR c.filed_at < $filed_at OR (c.filed_at = $filed_at AND c.claim_id > $claim_id))
WITH b, c, m, version ORDER BY c.filed_at DESC, c.claim_id LIMIT $first
<<claim_now>>
WITH b, c, m, CASE WHEN h IS NULL THEN c ELSE h END AS now
RETURN <<claim_columns>>
ORDER BY c.filed_at DESC, c.claim_id

// name: count_claims
// How many claims of a buyer the scope sees.
<<market_version>>
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
WHERE c.load <= version AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
RETURN count(c)

// name: find_claims
// Claims by id in the order asked for, as far as the scope sees them, as last changed.
<<market_version>>
UNWIND range(0, size($claim_ids) - 1) AS place
MATCH (c:Claim {claim_id: $claim_ids[place]}) USING INDEX SEEK c:Claim(claim_id) WHERE c.load <= version
WITH place, c, version
MATCH (b)-[:FILED]->(c)-[:AGAINST]->(m)
WHERE ($merchant_id IS NULL
    OR m.merchant_id = $merchant_id AND (EXISTS {
        (b)-[:FILED]->(other)-[:AGAINST]->(m)
        WHERE other.filed_at >= $since AND other.load <= version
    }
    OR EXISTS {
        (b)-[o:ORDERED]->(m)
        WHERE o.ordered_at >= $since AND o.load <= version
    }))
<<claim_now>>
WITH place, b, c, m, CASE WHEN h IS NULL THEN c ELSE h END AS now
RETURN <<claim_columns>>
ORDER BY place

// name: list_shared_values
// Values that any of some buyers uses and few use in all, with all who use them.
<<market_version>>
UNWIND $buyer_ids AS buyer_id
MATCH (asked:Buyer {buyer_id: buyer_id})-[mine:USES]->(i) USING INDEX SEEK asked:Buyer(buyer_id)
WHERE mine.load <= version
WITH DISTINCT i, version
CALL (i, version) {
    MATCH (i)<-[u:USES]-(b) WHERE u.load <= version
    WITH DISTINCT b LIMIT $most + 1
    WITH b.buyer_id AS buyer_id ORDER BY buyer_id
    RETURN collect(buyer_id) AS holders
}
WITH i, holders WHERE 1 < size(holders) <= $most
RETURN [label IN labels(i) WHERE label <> 'Identifier'][0], i.exact, holders
ORDER BY size(holders), i.exact

// name: list_shared_merchants
// Merchants at whom any of some buyers claimed and few claimed in all, with all who did.
<<market_version>>
UNWIND $buyer_ids AS buyer_id
MATCH (asked:Buyer {buyer_id: buyer_id})-[:FILED]->(mine)-[:AGAINST]->(m) USING INDEX SEEK asked:Buyer(buyer_id)
WHERE mine.load <= version
WITH DISTINCT m, version
CALL (m, version) {
    MATCH (m)<-[:AGAINST]-(c)<-[:FILED]-(b) WHERE c.load <= version
    WITH DISTINCT b LIMIT $most + 1
    WITH b.buyer_id AS buyer_id ORDER BY buyer_id
    RETURN collect(buyer_id) AS holders
}
WITH m, holders WHERE 1 < size(holders) <= $most
RETURN m.merchant_id, holders
ORDER BY size(holders), m.merchant_id

// name: list_shared_identifiers
// A buyer's values that others use too, rarest first; none of them is any merchant's business.
<<market_version>> WHERE $merchant_id IS NULL
MATCH (b:Buyer {buyer_id: $buyer_id})-[mine:USES]->(i) USING INDEX SEEK b:Buyer(buyer_id) WHERE mine.load <= version
WITH DISTINCT i, version
CALL (i, version) {
    MATCH (i)<-[u:USES]-(b) WHERE u.load <= version
    RETURN count(DISTINCT b) AS holders
}
WITH i, holders WHERE holders > 1
RETURN [label IN labels(i) WHERE label <> 'Identifier'][0], i.exact, holders
ORDER BY holders, i.exact
