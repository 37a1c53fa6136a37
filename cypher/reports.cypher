// name: find_reports
// Reports by merchant and id, in the order asked for, as far as the scope sees them.
<<market_version>>
UNWIND range(0, size($refs) - 1) AS place
MATCH (m:Merchant {merchant_id: $refs[place][0]}) USING INDEX SEEK m:Merchant(merchant_id)
WHERE $merchant_id IS NULL OR m.merchant_id = $merchant_id
MATCH (r:Report {report_id: $refs[place][1], merchant: m.merchant}) USING INDEX SEEK r:Report(report_id, merchant)
WHERE <<sees_report>>
WITH place, m, r, version
MATCH (r)-[:ACCUSES]->(b)
WHERE <<sees_buyer>>
RETURN <<report_columns>>
ORDER BY place

// name: list_merchants_of_report
// Who has a report of an id; asking for any merchant lets the index of both be used.
<<market_version>>
MATCH (r:Report) USING INDEX SEEK r:Report(report_id, merchant)
WHERE r.report_id = $report_id AND r.merchant IS NOT NULL AND <<sees_report>>
MATCH (m)-[:FILED_REPORT]->(r)
RETURN m.merchant_id
ORDER BY m.merchant_id

// name: list_reports
// The reports after a place that accuse a buyer, latest first, as far as the scope sees them.
<<market_version>>
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
MATCH (b)<-[:ACCUSES]-(r)<-[:FILED_REPORT]-(m)
WHERE <<sees_report>> AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id) AND <<follows>>
RETURN <<report_columns>>
ORDER BY r.reported_at DESC, r.report_id, m.merchant_id LIMIT $first

// name: count_reports
// How many reports about a buyer the scope sees.
<<market_version>>
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
MATCH (b)<-[:ACCUSES]-(r)<-[:FILED_REPORT]-(m)
WHERE <<sees_report>> AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
RETURN count(r)

// name: list_merchant_reports
// A merchant's reports after a place, latest first, about the buyers it sees.
<<market_version>>
MATCH (m:Merchant {merchant_id: $merchant_id})-[:FILED_REPORT]->(r)-[:ACCUSES]->(b)
    USING INDEX SEEK m:Merchant(merchant_id)
WHERE <<sees_report>> AND <<follows>> AND <<sees_buyer>>
RETURN <<report_columns>>
ORDER BY r.reported_at DESC, r.report_id, m.merchant_id LIMIT $first

// name: count_merchant_reports
// How many reports of its own a merchant sees.
<<market_version>>
MATCH (m:Merchant {merchant_id: $merchant_id})-[:FILED_REPORT]->(r)-[:ACCUSES]->(b)
    USING INDEX SEEK m:Merchant(merchant_id)
WHERE <<sees_report>> AND <<sees_buyer>>
RETURN count(r)

// name: list_all_reports
// All merchants' reports after a place, latest first; read in that order, no more of them than are shown.
// allows CartesianProduct: with the one store
MATCH (r:Report) USING INDEX r:Report(reported_at)
WHERE r.reported_at <= $reported_at
WITH r ORDER BY r.reported_at DESC
CALL () {
    <<market_version>>
    RETURN version
}
WITH r, version
WHERE <<sees_report>>
MATCH (m)-[:FILED_REPORT]->(r)
WHERE <<follows>>
WITH r, m ORDER BY r.reported_at DESC, r.report_id, m.merchant_id LIMIT $first
MATCH (r)-[:ACCUSES]->(b)
RETURN <<report_columns>>
ORDER BY r.reported_at DESC, r.report_id, m.merchant_id

// name: count_all_reports
// How many reports there are: the server counts all, those of a load under way or after a snapshot are few.
// allows CartesianProduct: of single counts
<<market_version>>
CALL () { MATCH (r:Report) RETURN count(r) AS written }
CALL (version) {
    MATCH (r:Report) USING INDEX r:Report(load) WHERE r.load > version
    RETURN count(r) AS brought
}
CALL () {
    MATCH (r:Report) USING INDEX r:Report(write) WHERE r.write > $write
    RETURN count(r) AS filed
}
RETURN written - brought - filed

// name: read_reports
// All reports, with whom they are of and about by number: where loads from before kept no columns of them.
// allows NodeByLabelScan: all of them are asked for
<<market_version>>
MATCH (r:Report) USING SCAN r:Report WHERE <<sees_report>>
WITH r
MATCH (m)-[:FILED_REPORT]->(r)-[:ACCUSES]->(b)
RETURN r.report_id, b.buyer, m.merchant, r.reported_at

// name: read_filed_reports
// Reports that were filed by call, with whom they are of and about by number.
MATCH (r:Report) USING INDEX SEEK r:Report(write) WHERE r.write <= $write
WITH r
MATCH (m)-[:FILED_REPORT]->(r)-[:ACCUSES]->(b)
RETURN r.report_id, b.buyer, m.merchant, r.reported_at

// name: list_filed_reports
// Reports that were filed by call.
MATCH (r:Report) USING INDEX SEEK r:Report(write) WHERE r.write <= $write
WITH r
MATCH (m)-[:FILED_REPORT]->(r)-[:ACCUSES]->(b)
RETURN <<report_columns>>, r.filed_at
ORDER BY r.report_id, m.merchant_id

// name: find_report_people
// Whether the buyer and the merchant that a report names are known.
<<market_version>>
RETURN EXISTS { MATCH (b:Buyer {buyer_id: $buyer_id}) WHERE b.load <= version },
    EXISTS { MATCH (m:Merchant {merchant_id: $merchant_id}) WHERE m.load <= version }

// name: file_report
// A report filed by call; what a load under way has written of it is not seen yet, and goes.
MATCH (m:Merchant {merchant_id: $merchant_id}) USING INDEX SEEK m:Merchant(merchant_id)
OPTIONAL MATCH (unseen:Report {report_id: $report_id, merchant: m.merchant})
    USING INDEX SEEK unseen:Report(report_id, merchant)
DETACH DELETE unseen
WITH m
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
OPTIONAL MATCH (c:Claim {claim_id: $claim_id}) USING INDEX SEEK c:Claim(claim_id)
CREATE (m)-[:FILED_REPORT]->(r:Report {report_id: $report_id, merchant: m.merchant, reported_at: $reported_at,
    claim_id: $claim_id, reason: $reason, evidence_count: $evidence_count, filed_at: $filed_at,
    write: $write})-[:ACCUSES]->(b)
FOREACH (claim IN CASE WHEN c IS NULL THEN [] ELSE [c] END | CREATE (r)-[:ABOUT]->(claim))
