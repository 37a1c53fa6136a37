// name: constrain_store
// One node says what the database is, and every writer locks it first.
CREATE CONSTRAINT store_id IF NOT EXISTS FOR (s:Store) REQUIRE s.id IS UNIQUE

// name: constrain_leases
// Who asks for a lease finds it by its name.
CREATE CONSTRAINT lease_name IF NOT EXISTS FOR (l:Lease) REQUIRE l.name IS UNIQUE

// name: constrain_loads
// Loads are counted.
CREATE CONSTRAINT load_number IF NOT EXISTS FOR (l:Load) REQUIRE l.load IS UNIQUE

// name: constrain_load_digests
// The same files are loaded once.
CREATE CONSTRAINT load_digest IF NOT EXISTS FOR (l:Load) REQUIRE l.digest IS UNIQUE

// name: constrain_buyer_ids
// People and services ask for buyers by the marketplace's id.
CREATE CONSTRAINT buyer_id IF NOT EXISTS FOR (b:Buyer) REQUIRE b.buyer_id IS UNIQUE

// name: constrain_buyers
// Rows name buyers by their numbers.
CREATE CONSTRAINT buyer_number IF NOT EXISTS FOR (b:Buyer) REQUIRE b.buyer IS UNIQUE

// name: constrain_merchant_ids
// People and services ask for merchants by the marketplace's id.
CREATE CONSTRAINT merchant_id IF NOT EXISTS FOR (m:Merchant) REQUIRE m.merchant_id IS UNIQUE

// name: constrain_merchants
// Rows name merchants by their numbers.
CREATE CONSTRAINT merchant_number IF NOT EXISTS FOR (m:Merchant) REQUIRE m.merchant IS UNIQUE

// name: constrain_pseudonyms
// One node for each value, whoever uses it; loads look known ones up.
CREATE CONSTRAINT identifier_exact IF NOT EXISTS FOR (i:Identifier) REQUIRE i.exact IS UNIQUE

// name: constrain_identifiers
// Rows name values by their numbers.
CREATE CONSTRAINT identifier_value IF NOT EXISTS FOR (i:Identifier) REQUIRE i.value IS UNIQUE

// name: constrain_claims
// A claim is known by the marketplace's id.
CREATE CONSTRAINT claim_id IF NOT EXISTS FOR (c:Claim) REQUIRE c.claim_id IS UNIQUE

// name: constrain_orders
// Orders are relationships, one for each order_id.
CREATE CONSTRAINT order_id IF NOT EXISTS FOR ()-[o:ORDERED]-() REQUIRE o.order_id IS UNIQUE

// name: release_report_ids
// Reports were known by their ids alone once.
DROP CONSTRAINT report_id IF EXISTS

// name: constrain_reports
// A report is known by its id and its merchant's number.
CREATE CONSTRAINT report_of_merchant IF NOT EXISTS FOR (r:Report) REQUIRE (r.report_id, r.merchant) IS UNIQUE

// name: constrain_batches
// Columns are read by the load and the name they were kept under.
CREATE CONSTRAINT batch_place IF NOT EXISTS FOR (b:Batch) REQUIRE (b.load, b.name, b.number) IS UNIQUE

// name: index_changes
// What an interrupted load said of claims is cleared away.
CREATE INDEX change_load IF NOT EXISTS FOR (c:Change) ON (c.load)

// name: index_reports
// An interrupted load's reports are cleared away.
CREATE INDEX report_load IF NOT EXISTS FOR (r:Report) ON (r.load)

// name: index_report_times
// Reports are listed latest first.
CREATE INDEX report_reported_at IF NOT EXISTS FOR (r:Report) ON (r.reported_at)

// name: index_filed_reports
// Reports that were filed by call, and those filed after a snapshot began.
CREATE INDEX report_write IF NOT EXISTS FOR (r:Report) ON (r.write)

// name: index_descriptions
// What an interrupted load said of buyers and merchants is cleared away.
CREATE INDEX description_load IF NOT EXISTS FOR (d:Description) ON (d.load)

// name: index_rates
// An interrupted load's rates are cleared away.
CREATE INDEX rate_load IF NOT EXISTS FOR (r:Rate) ON (r.load)

// name: constrain_runs
// Runs are counted.
CREATE CONSTRAINT run_number IF NOT EXISTS FOR (r:Run) REQUIRE r.run IS UNIQUE

// name: constrain_rings
// A ring keeps its id for life.
CREATE CONSTRAINT ring_id IF NOT EXISTS FOR (r:Ring) REQUIRE r.ring_id IS UNIQUE

// name: constrain_networks
// Networks are known by their ids.
CREATE CONSTRAINT network_id IF NOT EXISTS FOR (n:Network) REQUIRE n.network_id IS UNIQUE

// name: index_births
// Rings are counted from the run they were born in; those of a run that came to nothing lose it.
CREATE INDEX ring_first_run IF NOT EXISTS FOR (r:Ring) ON (r.first_run)

// name: index_findings
// What a run says of rings is cleared away with its findings.
CREATE INDEX found_by_run IF NOT EXISTS FOR ()-[f:FOUND_BY]-() ON (f.run)

// name: index_members
// The members of a run are cleared away with its findings.
CREATE INDEX member_of_run IF NOT EXISTS FOR ()-[m:MEMBER_OF]-() ON (m.run)

// name: index_parts
// The networks of a run are cleared away with its findings.
CREATE INDEX part_of_run IF NOT EXISTS FOR ()-[p:PART_OF]-() ON (p.run)

// name: index_lineage
// Steps that changed nothing are cleared away with the findings of their run.
CREATE INDEX came_from_run IF NOT EXISTS FOR ()-[c:CAME_FROM]-() ON (c.run)

// name: constrain_run_batches
// A run's batches are read by table and number.
CREATE CONSTRAINT run_batch IF NOT EXISTS FOR (b:RunBatch) REQUIRE (b.run, b.table, b.number) IS UNIQUE

// name: index_run_batches
// In a table that is in the order of its keys, a batch is found by its first.
CREATE INDEX run_batch_first IF NOT EXISTS FOR (b:RunBatch) ON (b.run, b.table, b.first)

// name: constrain_records
// One stream of events for each thing that has a history.
CREATE CONSTRAINT record_id IF NOT EXISTS FOR (r:Record) REQUIRE (r.kind, r.id) IS UNIQUE

// name: constrain_subjects
// What records concern is found by kind and id, whether the graph knows it or not.
CREATE CONSTRAINT subject_id IF NOT EXISTS FOR (s:Subject) REQUIRE (s.kind, s.id) IS UNIQUE

// name: index_changed_records
// What a snapshot shows otherwise than it is by now.
CREATE INDEX record_write IF NOT EXISTS FOR (r:Record) ON (r.kind, r.write)

// name: constrain_record_lists
// Lists of records are known by their names.
CREATE CONSTRAINT record_list IF NOT EXISTS FOR (n:RecordList) REQUIRE n.list IS UNIQUE

// name: index_listed
// A page of a list is read from a place on.
CREATE INDEX listed_place IF NOT EXISTS FOR ()-[l:LISTED_IN]-() ON (l.list, l.place)

// name: constrain_audit
// An entry is known by its place in its chain.
CREATE CONSTRAINT audit_place IF NOT EXISTS FOR (e:AuditEntry) REQUIRE (e.chain, e.number) IS UNIQUE

// name: constrain_audit_chains
// Chains are known by their names.
CREATE CONSTRAINT audit_chain IF NOT EXISTS FOR (c:AuditChain) REQUIRE c.chain IS UNIQUE

// name: constrain_audit_subjects
// Who was asked about is found by id.
CREATE CONSTRAINT audit_subject IF NOT EXISTS FOR (s:AuditSubject) REQUIRE s.id IS UNIQUE

// name: index_audit_times
// The audit is listed latest first.
CREATE INDEX audit_at IF NOT EXISTS FOR (e:AuditEntry) ON (e.at)

// name: index_audit_actors
// What one asked is listed latest first.
CREATE INDEX audit_actor IF NOT EXISTS FOR (e:AuditEntry) ON (e.actor, e.at)

// name: index_audit_payloads
// What is to be erased is found by its age; what is erased already is in no such index.
CREATE INDEX audit_told_at IF NOT EXISTS FOR (e:AuditEntry) ON (e.told_at)

// name: constrain_lookup_counts
// Each merchant's look-ups of a day are counted in one place.
CREATE CONSTRAINT lookup_count IF NOT EXISTS FOR (c:LookupCount) REQUIRE c.merchant_id IS UNIQUE

// name: constrain_lookups
// A buyer is counted once a day.
CREATE CONSTRAINT lookup IF NOT EXISTS FOR (l:Lookup) REQUIRE (l.merchant_id, l.buyer) IS UNIQUE

// name: await_indexes
// A constraint holds once its index is there.
CALL db.awaitIndexes(3600)
