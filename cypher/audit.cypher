// name: append_audit
// Entries of one chain and whom they are about; it waits for nobody but who continues the same chain, and may be
// sent twice. Tells whether they are there: if others have continued the chain, nothing is written.
MATCH (s:Store {id: $store}) WHERE s.replacing IS NULL AND $replaces IS NULL OR s.replaced_by = $replaces
MERGE (c:AuditChain {chain: $chain})
SET c.chain = $chain
WITH c
OPTIONAL MATCH (sent:AuditEntry {chain: $chain, number: $number})
WITH c, coalesce(c.number, 0) < $first AS is_next, coalesce(sent.mac = $mac, false) AS is_there
CALL (is_next) {
    UNWIND CASE WHEN is_next THEN $entries ELSE [] END AS row
    CREATE (e:AuditEntry {chain: $chain, number: row[0], at: row[1], digest: row[2], mac: row[3]})
    SET e.payload = row[4], e.actor = row[5], e.told_at = CASE WHEN row[4] IS NULL THEN null ELSE row[1] END
    FOREACH (id IN row[6] | MERGE (touched:AuditSubject {id: id}) CREATE (e)-[:TOUCHED]->(touched))
    RETURN count(*) AS written
}
FOREACH (_ IN CASE WHEN is_next THEN [1] ELSE [] END | SET c.number = $number)
RETURN is_next OR is_there

// name: list_audit
// Entries after a place, latest first.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(at)
WHERE e.at <= $at AND (e.at < $at OR e.chain > $chain OR e.chain = $chain AND e.number < $number)
RETURN e.chain, e.number, e.at, e.digest, e.mac, e.payload
ORDER BY e.at DESC, e.chain, e.number DESC LIMIT $first

// name: list_audit_of_actor
// Entries of one actor after a place, latest first.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(actor, at)
WHERE e.actor = $actor AND e.at <= $at
    AND (e.at < $at OR e.chain > $chain OR e.chain = $chain AND e.number < $number)
RETURN e.chain, e.number, e.at, e.digest, e.mac, e.payload
ORDER BY e.at DESC, e.chain, e.number DESC LIMIT $first

// name: list_audit_about
// Entries about one subject after a place, latest first, of all actors or of one.
MATCH (s:AuditSubject {id: $subject})<-[:TOUCHED]-(e)
WHERE e.at <= $at AND (e.at < $at OR e.chain > $chain OR e.chain = $chain AND e.number < $number)
    AND ($actor IS NULL OR e.actor = $actor)
RETURN e.chain, e.number, e.at, e.digest, e.mac, e.payload
ORDER BY e.at DESC, e.chain, e.number DESC LIMIT $first

// name: count_audit
// How many entries there are, by the lengths of their chains, of which there are as many as processes were.
// allows NodeByLabelScan: all chains are counted
MATCH (c:AuditChain)
RETURN sum(c.number)

// name: count_audit_of_actor
// How many entries one actor has.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(actor, at)
WHERE e.actor = $actor AND e.at <= $at
RETURN count(e)

// name: count_audit_about
// How many entries are about one subject, of all actors or of one.
MATCH (s:AuditSubject {id: $subject})<-[:TOUCHED]-(e)
WHERE $actor IS NULL OR e.actor = $actor
RETURN count(e)

// name: read_audit
// Entries of a chain in their order, from one on.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(chain, number)
WHERE e.chain = $chain AND e.number > $after
RETURN e.chain, e.number, e.at, e.digest, e.mac, e.payload
ORDER BY e.number LIMIT $first

// name: find_audit_head
// The last entry of a chain.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(chain, number)
WHERE e.chain = $chain AND e.number >= 1
RETURN e.chain, e.number, e.mac
ORDER BY e.number DESC LIMIT 1

// name: list_audit_heads
// The last entry of each chain.
// allows NodeByLabelScan: there are as many chains as processes were
MATCH (c:AuditChain)
CALL (c) {
    MATCH (e:AuditEntry) WHERE e.chain = c.chain AND e.number >= 1
    RETURN e ORDER BY e.number DESC LIMIT 1
}
RETURN e.chain, e.number, e.mac
ORDER BY e.chain

// name: erase_audit
// What the oldest entries say goes; that there was something, and their seals, stay.
MATCH (e:AuditEntry) USING INDEX e:AuditEntry(told_at) WHERE e.told_at < $before
WITH e ORDER BY e.told_at LIMIT $first
REMOVE e.payload, e.actor, e.told_at
WITH collect(e) AS erased
CALL (erased) {
    UNWIND erased AS e
    MATCH (e)-[t:TOUCHED]->(s)
    DELETE t
    WITH DISTINCT s WHERE NOT EXISTS { (s)<-[:TOUCHED]-() }
    DELETE s
    RETURN count(s) AS forgotten
}
RETURN size(erased)

// name: look_up
// Buyers that a merchant has not looked up on a day yet are counted if they are not too many; who counts for the
// same merchant meanwhile waits. It may be sent twice.
MATCH (s:Store {id: $store}) WHERE s.replacing IS NULL
MERGE (c:LookupCount {merchant_id: $merchant_id})
SET c.day = $day
WITH c
CALL (c) {
    MATCH (l:Lookup {merchant_id: $merchant_id}) USING INDEX l:Lookup(merchant_id, buyer)
    WHERE l.buyer IS NOT NULL AND l.day <> $day
    DELETE l
    RETURN count(l) AS forgotten
}
CALL (c) {
    MATCH (l:Lookup {merchant_id: $merchant_id}) USING INDEX l:Lookup(merchant_id, buyer)
    WHERE l.buyer IS NOT NULL AND l.day = $day
    RETURN count(l) AS known
}
CALL (c) {
    UNWIND $buyers AS buyer
    OPTIONAL MATCH (l:Lookup {merchant_id: $merchant_id, buyer: buyer}) WHERE l.day = $day
    WITH buyer, l WHERE l IS NULL
    RETURN collect(buyer) AS new
}
WITH new, known + size(new) <= $most AS fits
FOREACH (buyer IN CASE WHEN fits THEN new ELSE [] END |
    CREATE (:Lookup {merchant_id: $merchant_id, buyer: buyer, day: $day}))
RETURN fits OR size(new) = 0

// name: find_lookups
// How many of these buyers a merchant has looked up on a day.
UNWIND $buyers AS buyer
MATCH (l:Lookup {merchant_id: $merchant_id, buyer: buyer}) WHERE l.day = $day
RETURN count(l)
