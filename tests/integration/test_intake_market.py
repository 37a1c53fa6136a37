from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.identifiers import IdentifierKind
from ringfence.intake import Intake, IntakeOptions, Mapping, PseudonymKey, market_from_frames, read_market
from ringfence.market import Identifiers, Market

KEY, OTHER_KEY = PseudonymKey(b"k" * 32), PseudonymKey(b"o" * 32)
LENIENT = IntakeOptions(max_rejected=1)
CLAIM = {
    "claim_id": "C1",
    "buyer_id": "B1",
    "merchant_id": "M1",
    "filed_at": "2024-03-01",
    "amount": "1.00",
    "currency": "EUR",
}


def same(a: Any, b: Any) -> bool:
    """Compare two markets array by array."""
    if isinstance(a, np.ndarray):
        return bool(a.dtype == b.dtype and a.shape == b.shape and (a == b).all())
    if isinstance(a, pl.Series):
        return bool(a.to_list() == b.to_list())
    if is_dataclass(a):
        return type(a) is type(b) and all(
            same(getattr(a, each.name), getattr(b, each.name)) for each in fields(a)
        )
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(left, right) for left, right in zip(a, b, strict=True))
    return bool(a == b)


def users(market: Market, kind: str) -> dict[int, set[str]]:
    """Give by value of one kind the ids of its buyers."""
    (found,) = [each for each in market.identifiers if each.kind == kind]
    held: dict[int, set[str]] = {}
    for buyer, value in zip(found.buyer, found.value, strict=True):
        held.setdefault(int(value), set()).add(market.buyer_ids[int(buyer)])
    return held


def structure(found: Identifiers) -> list[list[int]]:
    """Say who shares a value with whom, whatever the values' order."""
    return sorted(sorted(found.buyer[found.value == value].tolist()) for value in range(len(found.exact)))


ADDRESSES = [
    None,
    "",
    "12 Main St, Apt 4 B",
    "12 main st apt 4b",
    "13 main street apt 4b",
    "unknown",
    "朝阳区 8 号 100020",
]
CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "buyer_id": st.sampled_from(["b", "B", "ä", "10", "9"]),
            "merchant_id": st.sampled_from(["m1", "m2"]),
            "filed_at": st.sampled_from(
                ["2024-01-01", "2024-01-01T00:00:01", "2024-01-01T00:00:00.000001Z", "2099-01-01"]
            ),
            "amount": st.sampled_from(["1", "2.50"]),
            "currency": st.sampled_from(["EUR", "USD"]),
            "address": st.sampled_from(ADDRESSES),
            "phone": st.sampled_from([None, "+49 170 1234567", "0049170-1234567", "+49 170 1234568"]),
            "email": st.sampled_from([None, "ann1@mail.example", "ann2@mail.example"]),
        }
    ),
    min_size=1,
    max_size=12,
)
ORDERS = st.lists(
    st.fixed_dictionaries(
        {
            "buyer_id": st.sampled_from(["b", "z"]),
            "merchant_id": st.sampled_from(["m1", "m3"]),
            "ordered_at": st.sampled_from(["2024-01-01", "2024-01-02"]),
            "amount": st.just("1"),
            "address": st.sampled_from(ADDRESSES),
        }
    ),
    min_size=1,
    max_size=6,
)


def frame_of(rows: list[dict[str, str | None]], key: str) -> pl.DataFrame:
    named = [{key: f"{key[0]}{number}", **row} for number, row in enumerate(rows)]
    return pl.DataFrame(named, schema=dict.fromkeys(named[0], pl.String))


@settings(max_examples=40, deadline=None)
@given(claims=CLAIMS, orders=ORDERS, seed=st.integers(0, 99))
def test_row_order_changes_nothing(
    claims: list[dict[str, str | None]], orders: list[dict[str, str | None]], seed: int
) -> None:
    frames = frame_of(claims, "claim_id"), frame_of(orders, "order_id")
    shuffled = [frame.sample(fraction=1, shuffle=True, seed=seed) for frame in frames]
    assert same(market_from_frames(*frames, key=KEY).market, market_from_frames(*shuffled, key=KEY).market)


@settings(max_examples=40, deadline=None)
@given(claims=CLAIMS, orders=ORDERS)
def test_the_market_is_in_its_canonical_order(
    claims: list[dict[str, str | None]], orders: list[dict[str, str | None]]
) -> None:
    market = market_from_frames(frame_of(claims, "claim_id"), frame_of(orders, "order_id"), key=KEY).market
    made = market.claims
    keys = list(
        zip(
            made.merchant.tolist(),
            made.filed_at.tolist(),
            made.buyer.tolist(),
            made.amount.tolist(),
            made.claim_id,
            strict=True,
        )
    )
    assert keys == sorted(keys)
    assert market.buyer_ids.to_list() == sorted(
        {str(row["buyer_id"]) for row in claims + orders}, key=lambda each: each.encode()
    )
    assert market.merchant_ids.to_list() == sorted({str(row["merchant_id"]) for row in claims + orders})
    assert market.orders is not None
    order_keys = list(
        zip(
            market.orders.merchant.tolist(),
            market.orders.ordered_at.tolist(),
            market.orders.buyer.tolist(),
            strict=True,
        )
    )
    assert order_keys == sorted(order_keys)
    assert len(order_keys) == len(orders)
    back = {
        claim: (market.buyer_ids[buyer], market.merchant_ids[merchant], amount, market.currencies[currency])
        for claim, buyer, merchant, amount, currency in zip(
            made.claim_id,
            made.buyer.tolist(),
            made.merchant.tolist(),
            made.amount.tolist(),
            made.currency.tolist(),
            strict=True,
        )
    }
    assert back == {
        f"c{number}": (
            row["buyer_id"],
            row["merchant_id"],
            100 if row["amount"] == "1" else 250,
            row["currency"],
        )
        for number, row in enumerate(claims)
    }
    for found in market.identifiers:
        uses = list(zip(found.buyer.tolist(), found.value.tolist(), strict=True))
        assert uses == sorted(set(uses))
        rows = [row.tobytes() for row in found.exact]
        assert rows == sorted(set(rows))
        assert set(found.value.tolist()) == set(range(len(rows)))


@settings(max_examples=40, deadline=None)
@given(claims=CLAIMS)
def test_the_key_changes_pseudonyms_and_nothing_else(claims: list[dict[str, str | None]]) -> None:
    frame = frame_of(claims, "claim_id")
    one, two = (market_from_frames(frame, key=key).market for key in (KEY, OTHER_KEY))
    assert same(one.claims, two.claims)
    assert [structure(each) for each in one.identifiers] == [structure(each) for each in two.identifiers]
    for a, b in zip(one.identifiers, two.identifiers, strict=True):
        assert {row.tobytes() for row in a.exact}.isdisjoint(row.tobytes() for row in b.exact)
        assert (a.sketches is None) == (b.sketches is None)
        if a.sketches is not None and b.sketches is not None:
            assert len(a.sketches) == len(b.sketches)
            assert len(a.sketches.bigrams) == len(b.sketches.bigrams)


@settings(max_examples=40, deadline=None)
@given(claims=CLAIMS)
def test_relabelled_buyers_give_the_same_market_relabelled(claims: list[dict[str, str | None]]) -> None:
    renamed = [row | {"buyer_id": f"new {row['buyer_id']}"} for row in claims]
    one = market_from_frames(frame_of(claims, "claim_id"), key=KEY).market
    two = market_from_frames(frame_of(renamed, "claim_id"), key=KEY).market
    assert two.buyer_ids.to_list() == [f"new {each}" for each in one.buyer_ids]
    assert same(one.claims, two.claims)
    assert same(one.identifiers, two.identifiers)


def write(folder: Path, rows: list[dict[str, Any]], name: str = "claims.csv") -> None:
    pl.DataFrame(rows, infer_schema_length=None).write_csv(folder / name)


def read(*paths: Path, options: IntakeOptions = LENIENT) -> Intake:
    return read_market(paths, options, KEY)


def test_reading_the_same_rows_twice_changes_nothing(tmp_path: Path) -> None:
    rows = [
        CLAIM | {"claim_id": f"C{number}", "address": f"{number} main st 1{number}"} for number in range(5)
    ]
    write(tmp_path, rows)
    once = read(tmp_path)
    write(tmp_path, rows, "claims-again.csv")
    twice = read(tmp_path)
    assert same(once.market, twice.market)
    assert [(each.file, each.kept, each.repeated) for each in twice.files] == [
        ("claims-again.csv", 5, 0),
        ("claims.csv", 0, 5),
    ]
    assert same(once.market, read(tmp_path / "claims.csv", tmp_path / "claims.csv").market)


def test_the_formats_give_the_same_market(tmp_path: Path) -> None:
    rows = [CLAIM | {"claim_id": f"C{number}", "device": f"d{number % 2}"} for number in range(5)]
    frame = pl.DataFrame(rows)
    markets = []
    for name, store in (
        ("csv", frame.write_csv),
        ("ndjson", frame.write_ndjson),
        ("parquet", frame.write_parquet),
    ):
        store(tmp_path / f"claims.{name}")
        markets.append(read(tmp_path / f"claims.{name}").market)
    markets.append(market_from_frames(frame, key=KEY).market)
    assert all(same(markets[0], market) for market in markets)


def test_a_later_row_may_change_a_claims_state_and_nothing_else(tmp_path: Path) -> None:
    start = CLAIM | {
        "status": "open",
        "evidence_count": "1",
        "delivered_at": "",
        "refunded": "",
        "category": "toys",
    }
    rows = [
        start,
        start,
        start | {"status": "refunded", "refunded": "1.00"},
        start | {"amount": "2.00"},
        start | {"buyer_id": "B2"},
        start | {"category": "books"},
        start | {"currency": "USD"},
    ]
    write(tmp_path, rows)
    intake = read(tmp_path)
    (count,) = intake.files
    assert (count.read, count.kept, count.repeated, count.updated, count.rejected) == (7, 1, 1, 1, 4)
    reason = "differs from an earlier row of the same claim_id"
    assert intake.rejected.rows() == [
        ("claims.csv", 5, "amount", reason),
        ("claims.csv", 6, "buyer_id", reason),
        ("claims.csv", 7, "category", reason),
        ("claims.csv", 8, "currency", reason),
    ]
    assert intake.market.buyer_ids.to_list() == ["B1"]
    assert intake.market.currencies == ("EUR",)


def test_a_contradicting_order_is_rejected(tmp_path: Path) -> None:
    write(tmp_path, [CLAIM])
    order = {
        "order_id": "O1",
        "buyer_id": "B1",
        "merchant_id": "M1",
        "ordered_at": "2024-01-01",
        "amount": "1",
        "currency": "EUR",
    }
    write(tmp_path, [order, order, order | {"merchant_id": "M2"}], "orders.csv")
    intake = read(tmp_path)
    assert intake.market.orders is not None
    assert len(intake.market.orders) == 1
    assert intake.rejected.row(0)[:3] == ("orders.csv", 4, "merchant_id")
    assert intake.market.merchant_ids.to_list() == ["M1"]


def test_identifiers_come_from_every_file(tmp_path: Path) -> None:
    write(tmp_path, [CLAIM | {"address": "1 Oak St 10115", "device": "D1", "payment": "p"}])
    order = {
        "order_id": "O1",
        "buyer_id": "B2",
        "merchant_id": "M1",
        "ordered_at": "2024-01-01",
        "amount": "1",
    }
    write(tmp_path, [order | {"currency": "EUR", "address": "1 oak st, 10115"}], "orders.csv")
    known = [
        {"buyer_id": "B3", "kind": "device", "value": "d1 "},
        {"buyer_id": "B3", "kind": "address", "value": "1 OAK ST 10115"},
        {"buyer_id": "B1", "kind": "phone", "value": "n/a"},
    ]
    write(tmp_path, known, "identifiers.csv")
    write(tmp_path, [{"buyer_id": "B9", "country": "DE"}], "buyers.csv")
    market = read(tmp_path).market
    assert market.buyer_ids.to_list() == ["B1", "B2", "B3", "B9"]
    assert list(users(market, "address").values()) == [{"B1", "B2", "B3"}]
    assert list(users(market, "device").values()) == [{"B1", "B3"}]
    assert [each.kind for each in market.identifiers] == [
        IdentifierKind.ADDRESS,
        IdentifierKind.DEVICE,
        IdentifierKind.PAYMENT,
    ]


def test_no_clear_text_of_an_identifier_is_left(tmp_path: Path) -> None:
    write(
        tmp_path,
        [
            CLAIM | {"email": "zanzibar@mail.example", "address": "zanzibar road 12 9999", "amount": "x"},
            CLAIM | {"claim_id": "C2", "email": "zanzibar@mail.example"},
        ],
    )
    intake = read(tmp_path)
    assert "zanzibar" not in repr(intake) + intake.rejected.write_csv()
    for found in intake.market.identifiers:
        assert b"zanzibar" not in found.exact.tobytes()


def test_a_mapping_renames_columns_and_values(tmp_path: Path) -> None:
    (tmp_path / "columns.toml").write_text(
        '[claims]\nclaim_id = "ClaimNo"\nkind = "Art"\n[claims.values.kind]\n"Nur Geld" = "refund_only"\n'
        '[claims.values.currency]\n"€" = "EUR"\n'
    )
    renamed = {key: value for key, value in CLAIM.items() if key != "claim_id"}
    write(tmp_path, [renamed | {"ClaimNo": "7", "Art": "Nur Geld", "currency": "€"}])
    intake = read(tmp_path, options=IntakeOptions(mapping=Mapping.load(tmp_path / "columns.toml")))
    assert intake.market.claims.claim_id.to_list() == ["7"]
    assert intake.market.currencies == ("EUR",)
    assert intake.warnings == ()


def test_decimal_comma_and_date_formats_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "claims.csv").write_text(
        "claim_id;buyer_id;merchant_id;filed_at;amount\n"
        "C1;B;M;01.03.2024;12,50\nC2;B;M;01.03.2024 10:30;3\nC3;B;M;2024-03-01;3\n"
    )
    options = IntakeOptions(
        delimiter=";",
        decimal=",",
        date_formats=("%d.%m.%Y %H:%M", "%d.%m.%Y"),
        default_currency="EUR",
        max_rejected=1,
    )
    intake = read(tmp_path, options=options)
    assert intake.market.claims.amount.tolist() == [1250, 300]
    assert intake.market.claims.filed_at.tolist() == [1_709_251_200_000_000, 1_709_289_000_000_000]
    assert intake.rejected.rows() == [("claims.csv", 4, "filed_at", "not a time in the format that was told")]


def test_amounts_without_a_currency_are_kept_apart_with_a_warning(tmp_path: Path) -> None:
    write(tmp_path, [{key: value for key, value in CLAIM.items() if key != "currency"}])
    intake = read(tmp_path)
    assert intake.market.currencies == ("XXX",)
    assert "no column currency" in intake.warnings[0]


class Listener:
    def __init__(self) -> None:
        self.stages: list[str] = []
        self.total: int | None = None
        self.steps = 0

    def stage(self, name: str, total: int | None = None) -> None:
        self.stages.append(name)
        if name == "read claims.csv":
            self.total = total

    def advance(self, steps: int) -> None:
        self.steps += steps

    def done(self) -> None:
        """End nothing."""


def test_progress_goes_to_the_end_of_the_file(tmp_path: Path) -> None:
    write(tmp_path, [CLAIM])
    listener = Listener()
    read_market([tmp_path], LENIENT, KEY, listener)
    assert listener.stages[0] == "read claims.csv"
    assert listener.total == listener.steps == (tmp_path / "claims.csv").stat().st_size


@pytest.mark.parametrize("spread", [1, 10**15])
def test_times_too_far_apart_to_pack_sort_the_same(spread: int) -> None:
    rows = [
        CLAIM | {"claim_id": f"C{number}", "buyer_id": f"B{number % 7}", "merchant_id": f"M{number % 5}"}
        for number in range(50)
    ]
    generator = np.random.default_rng(3)
    micros = generator.integers(0, 4) + generator.integers(0, 3, 50) * spread
    frame = pl.DataFrame(rows).with_columns(filed_at=pl.Series(micros).cast(pl.Datetime("us")))
    made = market_from_frames(frame, key=KEY).market.claims
    keys = list(zip(made.merchant.tolist(), made.filed_at.tolist(), made.buyer.tolist(), strict=True))
    assert keys == sorted(keys)
