"""What signals say, in words, in every language: one catalogue for investigators, merchants and buyers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ringfence.domain.risk import Language
from ringfence.risk.signals import SIGNALS


@dataclass(frozen=True, slots=True)
class Text:
    """The words of one signal in one language; reasons name facts in braces."""

    explanation: str
    reason: str
    would_lower: str | None
    """None for a signal that can only speak for a buyer."""


_DOCUMENTED = {signal.__name__: str(signal.__doc__) for signal in SIGNALS}
_ENGLISH: dict[str, tuple[str, str | None]] = {
    "ring": (
        "Member of ring {ring_id}, {ring_size} buyers, {ring_score:.1f} decades of evidence.",
        "A person's decision that the ring is none, or claims that do not coincide with the others'.",
    ),
    "links": (
        "Linked to buyer {linked_to} by {link_score:.1f} decades of evidence.",
        "Claims at times and merchants of the buyer's own.",
    ),
    "lead": (
        "In lead {lead_id}, {lead_score:.1f} decades of evidence, too weak for a ring.",
        "A person's decision to dismiss the lead, or claims that do not coincide with the others'.",
    ),
    "refund_only_frequency": (
        "Recent claims for a refund without return: {recent_refund_only}.",
        "Fewer claims for a refund without return: recent ones age.",
    ),
    "refund_only_share": (
        "Claims for a refund without return: {refund_only}; orders: {orders}.",
        "Orders without a claim for a refund without return.",
    ),
    "reports": (
        "Independent merchants who reported the buyer: {report_merchants}.",
        "A verification that rejects the reports, or time: reports age.",
    ),
    "verifications": (
        "Verifications that found abuse: {confirmed}; that found none: {rejected}.",
        "An appeal, or a verification that finds no abuse.",
    ),
    "shared_with_confirmed": (
        "Shares values with confirmed abusers: {shared_values}.",
        "A verification that finds another reason for the shared value, such as one household.",
    ),
    "new_account": ("Age of the account in days: {account_days}.", "Time."),
    "loss": (
        "Refunds without return, open claims included, cost more than those of {lost:.1%} of all buyers.",
        "Goods that are returned, and orders that end without a refund.",
    ),
    "honest_history": ("Orders: {orders}; claims for a refund without return: {refund_only}.", None),
}
_CHINESE: dict[str, tuple[str, str, str | None]] = {
    "ring": (
        "该买家属于一个群体，其索赔同时发生的频率远高于偶然。",
        "属于团伙 {ring_id}，共 {ring_size} 名买家，证据强度 {ring_score:.1f} 个数量级。",
        "人工判定该团伙不成立，或其索赔不再与他人同时发生。",
    ),
    "links": (
        "该买家的索赔与另一名买家的索赔同时发生，但次数不足以构成团伙。",
        "与买家 {linked_to} 存在关联，证据强度 {link_score:.1f} 个数量级。",
        "在各自的时间和商家提出索赔。",
    ),
    "lead": (
        "该买家出现在一条线索中；该线索不足以构成团伙，不会判定为高风险。",
        "属于线索 {lead_id}，证据强度 {lead_score:.1f} 个数量级，不足以构成团伙。",
        "人工排除该线索，或其索赔不再与他人同时发生。",
    ),
    "refund_only_frequency": (
        "该买家在短期内多次申请仅退款。",
        "近期申请仅退款 {recent_refund_only} 次。",
        "减少仅退款申请：近期记录会随时间失效。",
    ),
    "refund_only_share": (
        "该买家的订单中申请仅退款的比例很高。",
        "申请仅退款 {refund_only} 次，订单 {orders} 笔。",
        "未申请仅退款的订单。",
    ),
    "reports": (
        "多家相互独立的商家举报了该买家；仅凭举报不会判定为高风险。",
        "被 {report_merchants} 家相互独立的商家举报。",
        "核查驳回举报，或举报随时间失效。",
    ),
    "verifications": (
        "此前已有人工核查过该买家；结论在其决定性期限之后仍计入评分。",
        "核查认定滥用 {confirmed} 次，认定无滥用 {rejected} 次。",
        "提出申诉，或核查认定无滥用。",
    ),
    "shared_with_confirmed": (
        "该买家使用的地址、设备、支付方式、电话或邮箱只有少数人使用，其中包括已确认的滥用者。",
        "与已确认的滥用者共用标识：{shared_values} 个。",
        "核查发现共用标识另有原因，例如同住一户。",
    ),
    "new_account": ("该买家的账户是新账户。", "账户注册 {account_days} 天。", "随时间自然降低。"),
    "loss": (
        "该买家的仅退款造成的损失高于几乎所有买家。",
        "仅退款金额高于 {lost:.1%} 的买家，含未结索赔。",
        "退回商品，以及正常完成、未退款的订单。",
    ),
    "honest_history": (
        "该买家多次下单且未申请仅退款。",
        "订单 {orders} 笔，申请仅退款 {refund_only} 次。",
        None,
    ),
}
TEXTS: Mapping[Language, Mapping[str, Text]] = {
    Language.ENGLISH: {name: Text(_DOCUMENTED[name], *words) for name, words in _ENGLISH.items()},
    Language.CHINESE: {name: Text(*words) for name, words in _CHINESE.items()},
}
_UNKNOWN = {Language.ENGLISH: "unknown", Language.CHINESE: "未知"}


def reason(signal: str, facts: Mapping[str, Any], language: Language) -> str:
    """Say in words what a signal rests on, from a buyer's facts."""
    known = {name: _Unknown(language) if value is None else value for name, value in facts.items()}
    return TEXTS[language][signal].reason.format_map(known)


class _Unknown:
    """A fact nobody knows, whatever form it is asked for in."""

    def __init__(self, language: Language) -> None:
        self._word = _UNKNOWN[language]

    def __format__(self, _: str) -> str:
        return self._word
