"""The chain that processes continue in turn."""

from concurrent.futures import ThreadPoolExecutor

from ringfence.domain.audit import ANSWERED, AuditEntry
from ringfence.domain.scope import Principal, Role
from ringfence.services.audit import AuditWriter, audit_heads, verify_audit, write_in_turn
from ringfence.store import Store

KEY = bytes(range(32))
OLGA = Principal("olga", Role.OPERATOR)


def entry(subject: str) -> AuditEntry:
    return AuditEntry("ana", Role.OPERATOR, None, "a call", "ringfence risk", (subject,), 0, (), ANSWERED)


def test_processes_that_write_at_once_continue_one_chain_without_forking_it(store: Store) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda at: write_in_turn(store, KEY, entry(f"b{at}"), at), range(40)))
    (head,) = audit_heads(store, OLGA)
    found = store.audit.read(head.chain, 0, 50)
    assert [sealed.number for sealed in found] == list(range(1, 41))
    assert {sealed.entry.subjects for sealed in found if sealed.entry} == {(f"b{at}",) for at in range(40)}
    assert verify_audit(store, OLGA, KEY).broken == ()


def test_another_key_another_chain(store: Store) -> None:
    write_in_turn(store, KEY, entry("b1"), 1)
    write_in_turn(store, bytes(32), entry("b1"), 2)
    AuditWriter(store, KEY).write([(3, entry("b1").to_payload("salt"))])
    assert [head.number for head in audit_heads(store, OLGA)] == [1, 1, 1]
