"""What commands tell of people, and what people decide by them, is in the audit before anything is told.

A copy of everything (backup, store copy) is in it before it is begun, so that the copy tells of that, too.
Not in it are commands about the installation (keys, runs, policy, the audit itself), those that tell figures
alone (evaluate), jobs on everything (load, detect, schedule, restore; whom they have verified stands in the
histories), and what is read in the folder of a run, which is in no store.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import typer

from ringfence.cli.audit_key import audit_key
from ringfence.cli.clock import clock
from ringfence.cli.context import settings_of
from ringfence.domain.audit import ANSWERED, AuditEntry, bounded, checked_purpose
from ringfence.domain.errors import RingfenceError, UnavailableError
from ringfence.domain.scope import Principal

if TYPE_CHECKING:
    from ringfence.store import Store


class UnauditedError(UnavailableError):
    """What a command was asked for cannot be written into the audit."""

    def __init__(self, error: RingfenceError) -> None:
        super().__init__(
            "Nothing is told, since it cannot be written into the audit; what was decided stands in the "
            f"history. {error}"
        )


@contextmanager
def audited(
    context: typer.Context, store: "Store", principal: Principal, *asked: str | None
) -> Iterator[set[str]]:
    """Let a command do its work, and write down what came of it: answered, or refused and with which code.

    `asked` are the ids it was given; whatever else it is going to tell of, it adds to the set that it gets.
    Only what it prints after this is told after it is written. Raises InvalidError for a bad purpose and
    UnreadableKeyError for a key that cannot be read before any work is done, UnauditedError after it.
    """
    purpose = settings_of(context).purpose
    entry = AuditEntry(
        actor=principal.name,
        role=principal.role,
        merchant_id=principal.merchant_id,
        purpose=context.command_path if purpose is None else checked_purpose(purpose, "RINGFENCE_PURPOSE"),
        operation=context.command_path,
        subjects=(),
        further_subjects=0,
        fields=(),
        outcome=ANSWERED,
    )
    key = audit_key(context)
    named = frozenset(subject for subject in asked if subject)
    for subject in named:
        # What is no text in UTF-8 is refused before anybody looks for it.
        subject.encode()
    told = set(named)

    def write(outcome: str) -> None:
        from dataclasses import replace

        from ringfence.services.audit import write_in_turn

        subjects, further = bounded(told, named)
        sealed = replace(entry, subjects=subjects, further_subjects=further, outcome=outcome)
        try:
            write_in_turn(store, key, sealed, clock())
        except RingfenceError as error:
            raise UnauditedError(error) from error

    try:
        yield told
    except UnavailableError:
        # Nothing was told, and a store that does not answer takes no entry.
        raise
    except Exception as error:
        from ringfence.api.errors import code_of

        write(code_of(error))
        raise
    write(ANSWERED)
