// name: list_reports
// The reports that accuse a buyer, latest first, as far as the scope sees them.
<<market_version>>
MATCH (b:Buyer {buyer_id: $buyer_id}) USING INDEX SEEK b:Buyer(buyer_id)
WHERE <<sees_buyer>>
MATCH (b)<-[:ACCUSES]-(r)<-[:FILED_REPORT]-(m)
WHERE r.load <= version AND ($merchant_id IS NULL OR m.merchant_id = $merchant_id)
RETURN r.report_id, m.merchant_id, b.buyer_id, r.reported_at, r.claim_id, r.reason, r.evidence_count
ORDER BY r.reported_at DESC, r.report_id
