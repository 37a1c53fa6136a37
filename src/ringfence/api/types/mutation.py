"""What can be changed."""

from typing import Annotated

import strawberry

from ringfence.api.types import (
    lead_changes,
    recovery_changes,
    report_changes,
    ring_changes,
    run_request,
    verification_changes,
)
from ringfence.api.types.asking import Info
from ringfence.api.types.lead_changes import DismissLeadInput, LeadPayload, RestoreLeadInput
from ringfence.api.types.recovery_changes import (
    ApproveRecoveryInput,
    DisputeRecoveryInput,
    PayRecoveryInput,
    RecoveryPayload,
    RefuseRecoveryInput,
    ReturnRecoveryInput,
)
from ringfence.api.types.report_changes import (
    DisputeReportInput,
    FileReportInput,
    FileReportPayload,
    ReportPayload,
    WithdrawReportInput,
)
from ringfence.api.types.ring_changes import (
    AddNoteInput,
    AssignInput,
    DecideRingInput,
    RingPayload,
    SetRingAsideInput,
    UndoDecisionInput,
)
from ringfence.api.types.run_request import StartRunInput, StartRunPayload
from ringfence.api.types.verification_changes import (
    AddVerificationNoteInput,
    AppealInput,
    AssignVerificationInput,
    DecideVerificationInput,
    OpenVerificationInput,
    ReopenVerificationInput,
    VerificationPayload,
)
from ringfence.domain.ring_decisions import Outcome

_WHAT = strawberry.argument(description="What is to be done, and about what.")


@strawberry.type
class Mutation:
    """What can be changed, one thing a request. The name of the key, or of the login, stands beside it."""

    @strawberry.field
    def decide_ring(self, info: Info, input: Annotated[DecideRingInput, _WHAT]) -> RingPayload | None:
        """Decide about a ring as last seen, or propose it where the policy wants a second person."""
        return ring_changes.decide(info.context, input)

    @strawberry.field
    def snooze(self, info: Info, input: Annotated[SetRingAsideInput, _WHAT]) -> RingPayload | None:
        """Put a ring off until a day, whatever its evidence; as decideRing with SNOOZE."""
        return ring_changes.set_aside(info.context, input, Outcome.SNOOZE)

    @strawberry.field
    def allow(self, info: Info, input: Annotated[SetRingAsideInput, _WHAT]) -> RingPayload | None:
        """Tolerate a ring until a day, or until it grows; as decideRing with ALLOW."""
        return ring_changes.set_aside(info.context, input, Outcome.ALLOW)

    @strawberry.field
    def undo_decision(self, info: Info, input: Annotated[UndoDecisionInput, _WHAT]) -> RingPayload | None:
        """Take back what is proposed about a ring, else its decision; the one before counts again."""
        return ring_changes.undo(info.context, input)

    @strawberry.field
    def add_note(self, info: Info, input: Annotated[AddNoteInput, _WHAT]) -> RingPayload | None:
        """Write a note about a ring."""
        return ring_changes.add_note(info.context, input)

    @strawberry.field
    def assign(self, info: Info, input: Annotated[AssignInput, _WHAT]) -> RingPayload | None:
        """Give a ring to somebody, or back to whoever decided."""
        return ring_changes.assign(info.context, input)

    @strawberry.field
    def dismiss_lead(self, info: Info, input: Annotated[DismissLeadInput, _WHAT]) -> LeadPayload | None:
        """Dismiss a lead for all runs to come, unless it grows."""
        return lead_changes.dismiss(info.context, input)

    @strawberry.field
    def restore_lead(self, info: Info, input: Annotated[RestoreLeadInput, _WHAT]) -> LeadPayload | None:
        """Take the dismissal of a lead back."""
        return lead_changes.restore(info.context, input)

    @strawberry.field
    def file_report(self, info: Info, input: Annotated[FileReportInput, _WHAT]) -> FileReportPayload | None:
        """Report a buyer, as a merchant or in a merchant's name; the same again changes nothing."""
        return report_changes.file(info.context, input)

    @strawberry.field
    def withdraw_report(
        self, info: Info, input: Annotated[WithdrawReportInput, _WHAT]
    ) -> ReportPayload | None:
        """Take a report back for good, as its merchant: it counts nowhere any more."""
        return report_changes.withdraw(info.context, input)

    @strawberry.field
    def dispute_report(self, info: Info, input: Annotated[DisputeReportInput, _WHAT]) -> ReportPayload | None:
        """Disagree, as the merchant, with a verification that weighed a report in vain; people read it."""
        return report_changes.dispute(info.context, input)

    @strawberry.field
    def open_verification(
        self, info: Info, input: Annotated[OpenVerificationInput, _WHAT]
    ) -> VerificationPayload | None:
        """Begin to verify a buyer, with all there is about them."""
        return verification_changes.begin(info.context, input)

    @strawberry.field
    def assign_verification(
        self, info: Info, input: Annotated[AssignVerificationInput, _WHAT]
    ) -> VerificationPayload | None:
        """Give a verification to somebody, or to nobody."""
        return verification_changes.assign(info.context, input)

    @strawberry.field
    def add_verification_note(
        self, info: Info, input: Annotated[AddVerificationNoteInput, _WHAT]
    ) -> VerificationPayload | None:
        """Write a note about a verification."""
        return verification_changes.add_note(info.context, input)

    @strawberry.field
    def decide_verification(
        self, info: Info, input: Annotated[DecideVerificationInput, _WHAT]
    ) -> VerificationPayload | None:
        """Say how a verification ends, or propose it where the policy wants a second person."""
        return verification_changes.decide(info.context, input)

    @strawberry.field
    def appeal(self, info: Info, input: Annotated[AppealInput, _WHAT]) -> VerificationPayload | None:
        """Appeal on the buyer's behalf against being confirmed: the verification is open again."""
        return verification_changes.appeal(info.context, input)

    @strawberry.field
    def reopen_verification(
        self, info: Info, input: Annotated[ReopenVerificationInput, _WHAT]
    ) -> VerificationPayload | None:
        """Open a verification again, on new evidence."""
        return verification_changes.reopen(info.context, input)

    @strawberry.field
    def approve_recovery(
        self, info: Info, input: Annotated[ApproveRecoveryInput, _WHAT]
    ) -> RecoveryPayload | None:
        """Agree to pay what is proposed for claims, as long as the buyer is confirmed."""
        return recovery_changes.approve(info.context, input)

    @strawberry.field
    def refuse_recovery(
        self, info: Info, input: Annotated[RefuseRecoveryInput, _WHAT]
    ) -> RecoveryPayload | None:
        """Decide not to pay claims."""
        return recovery_changes.refuse(info.context, input)

    @strawberry.field
    def pay_recovery(self, info: Info, input: Annotated[PayRecoveryInput, _WHAT]) -> RecoveryPayload | None:
        """Say that the merchant was paid what was approved for a claim, all of it."""
        return recovery_changes.pay(info.context, input)

    @strawberry.field
    def return_recovery(
        self, info: Info, input: Annotated[ReturnRecoveryInput, _WHAT]
    ) -> RecoveryPayload | None:
        """Say that the merchant gave back what it was paid for a claim, all of it."""
        return recovery_changes.give_back(info.context, input)

    @strawberry.field
    def dispute_recovery(
        self, info: Info, input: Annotated[DisputeRecoveryInput, _WHAT]
    ) -> RecoveryPayload | None:
        """Disagree, as the merchant, with its own recovery; people read it."""
        return recovery_changes.dispute(info.context, input)

    @strawberry.field
    def start_run(self, info: Info, input: Annotated[StartRunInput, _WHAT]) -> StartRunPayload | None:
        """Ask for a run now; a schedule begins it. CONFLICT while one is asked for already."""
        return run_request.start_run(info.context, input)
