// name: find_lease
// Who held a lease last, and until when.
MATCH (l:Lease {name: $name})
RETURN l.token, l.host, l.process, l.started, l.seconds, l.expires_at

// name: give_lease
// A node stays when its lease ends, since tokens only ever grow.
MERGE (l:Lease {name: $name})
SET l.token = $token, l.host = $host, l.process = $process, l.started = $started,
    l.seconds = $seconds, l.expires_at = $expires_at

// name: renew_lease
// Its holder goes on; also where a clock that was set back would make it last too long.
MATCH (l:Lease {name: $name})
SET l.seconds = $seconds, l.expires_at = $expires_at

// name: release_lease
// Nothing happens if another has taken it.
MATCH (l:Lease {name: $name}) WHERE l.token = $token
SET l.expires_at = 0

// name: find_held_lease
// Whoever held a lease before another did is fenced off inside a transaction too.
MATCH (l:Lease {name: $lease}) WHERE l.token = $token AND l.expires_at > 0
RETURN l.token
