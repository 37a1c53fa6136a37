// name: find_last_run
// Runs are counted from 1, whatever became of them.
MATCH (u:Run) WHERE u.run > 0
RETURN u.run
ORDER BY u.run DESC LIMIT 1

// name: begin_run
// Nothing of it is seen before it is published or withheld; it may have rows from now on.
CREATE (:Run {run: $run, state: 'running', begun_at: $now, market_version: $version, about: '{}', reasons: [],
    is_kept: false, has_rows: true})

// name: interrupt_runs
// Who begins alone knows that nobody else is under way; a run that the store does not name was never published.
// allows CartesianProduct: there is one store
MATCH (s:Store {id: $store})
MATCH (u:Run) WHERE u.run > 0 AND (u.state = 'running' OR u.state = 'published' AND u.run > s.published_run)
SET u.state = 'failed', u.ended_at = $now, u.reasons = $reasons, u.is_kept = false

// name: find_run_under_way
// Whether a run is under way, and whether it was written.
// allows CartesianProduct: there is one store, and one run of a number
MATCH (s:Store {id: $store})
MATCH (u:Run {run: $run}) WHERE u.state = 'running' OR u.state = 'published' AND u.run > s.published_run
RETURN u.tables IS NOT NULL

// name: complete_run
// From now on the run can be published.
MATCH (u:Run {run: $run})
SET u.about = $about, u.tables = $tables

// name: end_run
// A published run is still unseen: the store names it last.
MATCH (u:Run {run: $run})
SET u.state = $state, u.ended_at = $now, u.reasons = $reasons, u.is_kept = $is_kept

// name: publish_run
// The one step: a single number says which run everybody sees.
MATCH (s:Store {id: $store})
SET s.published_run = $run

// name: forget_runs
// Those before the last so many published ones cannot be named any more.
MATCH (s:Store {id: $store})
MATCH (p:Run) WHERE p.run <= s.published_run AND p.state = 'published'
WITH p ORDER BY p.run DESC SKIP $keep - 1 LIMIT 1
MATCH (u:Run) WHERE u.run < p.run AND u.is_kept
SET u.is_kept = false, u.forgotten_at = timestamp()
RETURN count(u)

// name: find_leavings
// Runs whose rows nobody can ask for: they came to nothing, or were forgotten before any snapshot began that is
// still read.
MATCH (u:Run)
WHERE u.run > 0 AND u.has_rows AND (u.state = 'failed' OR u.forgotten_at <= timestamp() - $milliseconds)
RETURN u.run, u.state
ORDER BY u.run

// name: end_clearing
// All rows of the run are gone.
MATCH (u:Run {run: $run})
SET u.has_rows = false

// name: find_run
// One run, the published one if none is named, and which one is published.
<<published>>
MATCH (u:Run {run: coalesce($run, published)})
RETURN u.run, CASE WHEN u.state = 'published' AND u.run > published THEN 'running' ELSE u.state END AS state,
    u.begun_at, u.ended_at, u.market_version, u.about, u.reasons

// name: list_runs
// A page of runs, latest first; one that the store does not name yet is still under way.
<<published>>
MATCH (u:Run) WHERE u.run > 0 AND (u.run < $after OR $after IS NULL)
WITH u, CASE WHEN u.state = 'published' AND u.run > published THEN 'running' ELSE u.state END AS state
WHERE $state IS NULL OR state = $state
RETURN u.run, state, u.begun_at, u.ended_at, u.market_version, u.about, u.reasons
ORDER BY u.run DESC LIMIT $rows

// name: count_runs
// How many runs the whole list has.
<<published>>
MATCH (u:Run) WHERE u.run > 0
WITH CASE WHEN u.state = 'published' AND u.run > published THEN 'running' ELSE u.state END AS state
WHERE $state IS NULL OR state = $state
RETURN count(*)

// name: find_readable_run
// The run whose findings are meant: published, or kept and named; a snapshot may go on reading what it saw.
<<readable_run>>
RETURN u.run, u.tables

// name: save_run_batches
// Tables as they were written, some thousand rows a node; `first` is what a batch is found by.
UNWIND $rows AS row
CREATE (:RunBatch {run: $run, table: row[0], number: row[1], first: row[2], columns: row[3]})

// name: read_run_table
// All batches of a table.
MATCH (b:RunBatch) WHERE b.run = $run AND b.table = $table AND b.number >= 0
RETURN b.columns
ORDER BY b.number

// name: read_run_batches
// Those batches of a table that keys lead to.
UNWIND $numbers AS number
MATCH (b:RunBatch {run: $run, table: $table, number: number})
RETURN b.columns

// name: find_run_table
// All batches of a table of the run that is meant.
<<readable_run>>
MATCH (b:RunBatch) WHERE b.run = u.run AND b.table = $table AND b.number >= 0
RETURN published, u.run, b.columns
ORDER BY b.number

// name: find_run_batches
// The batches that may hold keys, one a key, of a table in the order of its keys.
<<readable_run>>
UNWIND $keys AS key
CALL (u, key) {
    MATCH (b:RunBatch) WHERE b.run = u.run AND b.table = $table AND b.first <= key
    RETURN b ORDER BY b.first DESC LIMIT 1
}
WITH DISTINCT published, u, b
RETURN published, u.run, b.columns

// name: clear_run_batches
// Some batches of a run are deleted at a time.
MATCH (b:RunBatch) WHERE b.run = $run AND b.table IS NOT NULL AND b.number IS NOT NULL
WITH b LIMIT $rows
DELETE b
RETURN count(b)
