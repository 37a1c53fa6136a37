"""Files through the store give what files alone give, in any order and however often they are loaded."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_intake_market import ADDRESSES, same

from ringfence.domain.leases import Holder, Lease, LeaseName
from ringfence.domain.loads import FileCount
from ringfence.domain.scope import PLATFORM
from ringfence.generator import GeneratorOptions
from ringfence.intake import (
    IntakeOptions,
    PseudonymKey,
    TooManyRejectedError,
    UnreadableInputError,
    read_market,
)
from ringfence.market import Market
from ringfence.services.load_market import LoadOutcome, LoadRequest, load_market
from ringfence.services.make_marketplace import make_marketplace
from ringfence.store import Store
from ringfence.store.sqlite import SqliteStore

KEY = PseudonymKey(b"k" * 32)
LENIENT = IntakeOptions(max_rejected=1)
CLAIM = {
    "claim_id": "C1",
    "buyer_id": "B1",
    "merchant_id": "M1",
    "filed_at": "2024-03-01",
    "amount": "1.00",
    "currency": "EUR",
    "category": "shoes",
    "address": "12 Elm St, Apt 3",
    "status": "open",
}


@pytest.fixture
def lease(store: Store) -> Lease:
    return store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 60.0, 0)


@pytest.fixture(scope="module")
def marketplace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generated marketplace with every kind of file."""
    folder = tmp_path_factory.mktemp("market") / "files"
    make_marketplace(GeneratorOptions(buyers=600, seed=5), folder)
    claims = pl.read_csv(folder / "claims.csv", infer_schema=False)
    told = claims.select("buyer_id", kind=pl.lit("device"), value="device", first_seen="filed_at")
    told.drop_nulls().head(50).vstack(
        pl.DataFrame([["nobody-else", "email", "n/a", "2024-01-01"]], told.columns, orient="row")
    ).write_csv(folder / "identifiers.csv")
    (folder / "rates.csv").write_text("currency,date,rate\nUSD,2024-01-01,1.1\nUSD,2024-01-01,1.2\n")
    return folder


def write(folder: Path, **rows: Sequence[Mapping[str, str | None]]) -> Path:
    """Write a file a table."""
    folder.mkdir(parents=True, exist_ok=True)
    for table, told in rows.items():
        pl.DataFrame(told).write_csv(folder / f"{table}.csv")
    return folder


def loaded(
    store: Store,
    lease: Lease,
    *inputs: Path,
    options: IntakeOptions | None = None,
    rejected: Path | None = None,
) -> LoadOutcome:
    request = LoadRequest(inputs, options or IntakeOptions(), rejected or inputs[0].parent)
    return load_market(request, KEY, store, lease, 7)


def arrays(*inputs: Path) -> Market:
    return read_market(inputs, IntakeOptions(), KEY).market


def counts(outcome: LoadOutcome) -> dict[str, tuple[int, int, int, int, int]]:
    return {
        each.file: (each.read, each.kept, each.repeated, each.updated, each.rejected)
        for each in outcome.files
    }


def halves(files: Path, folder: Path) -> list[Path]:
    """Part every file with rows of its own into two folders, row by row."""
    parts = [folder / "even", folder / "odd"]
    for part in parts:
        part.mkdir(parents=True)
    for path in files.glob("*.csv"):
        rows = pl.read_csv(path, infer_schema=False)
        for number, part in enumerate(parts):
            rows.gather_every(2, number).write_csv(part / path.name)
    return parts


def test_a_loaded_marketplace_gives_the_arrays_of_its_files(
    store: Store, lease: Lease, marketplace: Path
) -> None:
    outcome = loaded(store, lease, marketplace)
    assert outcome.load is not None
    assert {each.table for each in outcome.files} == {
        "claims", "orders", "identifiers", "reports", "merchants", "buyers", "rates",
    }  # fmt: skip
    market = store.market.read()
    assert market.orders is not None
    assert "nobody-else" in market.buyer_ids
    assert all(each.sketches is None or len(each.sketches) >= 0 for each in market.identifiers)
    assert max(len(each.sketches) for each in market.identifiers if each.sketches is not None) > 0
    assert same(market, arrays(marketplace))


@pytest.mark.parametrize("first", [0, 1])
def test_halves_in_any_order_make_the_whole(
    store: Store, lease: Lease, marketplace: Path, tmp_path: Path, first: int
) -> None:
    parts = halves(marketplace, tmp_path)
    loaded(store, lease, parts[first])
    assert same(store.market.read(), arrays(parts[first]))
    loaded(store, lease, parts[1 - first])
    assert same(store.market.read(), arrays(marketplace))
    assert same(store.market.read(1), arrays(parts[first]))


def test_what_was_loaded_before_is_not_loaded_twice(
    store: Store, lease: Lease, marketplace: Path, tmp_path: Path
) -> None:
    parts = halves(marketplace, tmp_path)
    loaded(store, lease, parts[0])
    outcome = loaded(store, lease, marketplace)
    for file in outcome.files:
        if file.table in ("claims", "orders", "reports"):
            assert file.repeated == (file.read + 1) // 2
            assert file.kept == file.read - file.repeated
    assert same(store.market.read(), arrays(marketplace))
    again = loaded(store, lease, marketplace)
    assert again.load is None
    assert again.files == outcome.files
    assert store.market.version() == 2


def test_a_table_at_a_time_is_a_load_too(store: Store, lease: Lease, marketplace: Path) -> None:
    for name in ("rates", "identifiers", "orders", "merchants", "buyers", "reports", "claims"):
        loaded(store, lease, marketplace / f"{name}.csv", rejected=marketplace)
    assert store.market.version() == 7
    assert same(store.market.read(), arrays(marketplace))


CLAIMS = st.lists(
    st.fixed_dictionaries(
        {
            "buyer_id": st.sampled_from(["b", "B", "ä", "10"]),
            "merchant_id": st.sampled_from(["m1", "m2"]),
            "filed_at": st.sampled_from(["2024-01-01", "2024-01-01T00:00:00.000001Z"]),
            "amount": st.sampled_from(["1", "2.50"]),
            "currency": st.sampled_from(["EUR", "USD"]),
            "address": st.sampled_from(ADDRESSES),
            "phone": st.sampled_from([None, "+49 170 1234567", "0049170-1234567", "+49 170 1234568"]),
            "email": st.sampled_from([None, "ann1@mail.example", "ann2@mail.example"]),
            "load": st.integers(0, 2),
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
            "load": st.integers(0, 2),
        }
    ),
    max_size=6,
)


@settings(max_examples=12, deadline=None)
@given(claims=CLAIMS, orders=ORDERS)
def test_any_small_marketplace_in_any_loads_gives_the_arrays_of_its_files(
    tmp_path_factory: pytest.TempPathFactory,
    claims: list[dict[str, str | None]],
    orders: list[dict[str, str | None]],
) -> None:
    folder = tmp_path_factory.mktemp("small")
    written = {}
    for table, rows in (("claims", claims), ("orders", orders)):
        named = [{f"{table[:-1]}_id": f"{table[0]}{number}", **row} for number, row in enumerate(rows)]
        if named:
            written[table] = pl.DataFrame(named, schema_overrides={"load": pl.Int64})
    (folder / "all").mkdir()
    for table, frame in written.items():
        frame.drop("load").write_csv(folder / "all" / f"{table}.csv")
    store = SqliteStore(folder / "store.sqlite")
    try:
        lease = store.leases.acquire(LeaseName.LOAD, Holder("here", 1, "now"), 60.0, 0)
        for number in range(3):
            part = folder / str(number)
            part.mkdir()
            for table, frame in written.items():
                so_far = frame.filter(pl.col("load") <= number).drop("load")
                if len(so_far):
                    so_far.write_csv(part / f"{table}.csv")
            if list(part.iterdir()):
                loaded(store, lease, part)
        assert same(store.market.read(), arrays(folder / "all"))
    finally:
        store.close()


def test_a_claim_changes_in_what_may_change_and_keeps_its_history(
    store: Store, lease: Lease, tmp_path: Path
) -> None:
    loaded(store, lease, write(tmp_path / "a", claims=[CLAIM]))
    changed = CLAIM | {"status": "refunded", "refunded": "1.00", "category": ""}
    outcome = loaded(store, lease, write(tmp_path / "b", claims=[changed]))
    assert counts(outcome) == {"claims.csv": (1, 0, 0, 1, 0)}
    (claim,) = store.market.claims(("C1",), PLATFORM)
    assert (claim.status, claim.refunded, claim.category) == ("refunded", 100, "shoes")
    again = CLAIM | {"status": "", "delivered_at": "2024-03-02"}
    loaded(store, lease, write(tmp_path / "c", claims=[again]))
    (claim,) = store.market.claims(("C1",), PLATFORM)
    assert (claim.status, claim.refunded) == ("refunded", 100), "an empty cell changes nothing"
    assert claim.delivered_at is not None
    assert same(store.market.read(), store.market.read(1))
    assert store.market.tables_of(1).claims["status"].to_list() == ["open"]
    words = [store.market.tables_of(load).changes["status"].to_list() for load in (2, 3)]
    assert words == [["refunded"], ["refunded"]]


def test_the_last_word_of_one_file_holds(store: Store, lease: Lease, tmp_path: Path) -> None:
    rows = [CLAIM, CLAIM | {"status": "refunded"}, CLAIM | {"status": "", "evidence_count": "2"}]
    columns = dict.fromkeys([*CLAIM, "evidence_count"], "")
    files = write(tmp_path / "a", claims=[columns | row for row in rows])
    assert counts(loaded(store, lease, files)) == {"claims.csv": (3, 1, 0, 2, 0)}
    (claim,) = store.market.claims(("C1",), PLATFORM)
    assert (claim.status, claim.evidence_count) == ("refunded", 2)
    assert same(store.market.read(), arrays(files))


def test_a_row_that_contradicts_what_is_known_is_rejected_where_it_differs(
    store: Store, lease: Lease, tmp_path: Path
) -> None:
    orders = [{"order_id": "O1", "buyer_id": "B1", "merchant_id": "M1", "ordered_at": "2024-01-01",
               "amount": "1", "currency": "EUR"}]  # fmt: skip
    loaded(store, lease, write(tmp_path / "a", claims=[CLAIM], orders=orders))
    before = store.market.read()
    wrong = [
        CLAIM | {"claim_id": "C2"},
        CLAIM | {"address": "99 Oak Ave, Apt 1"},
        CLAIM | {"claim_id": "C3", "buyer_id": "new"},
    ]
    others = [orders[0] | {"buyer_id": "thief", "amount": "5"}]
    files = write(tmp_path / "b", claims=wrong, orders=others)
    with pytest.raises(TooManyRejectedError, match=r"claims.csv: 1 of 3 rows is bad.*line 3, address"):
        loaded(store, lease, files)
    assert store.market.version() == 1
    assert same(store.market.read(), before)
    outcome = loaded(store, lease, files, options=LENIENT)
    assert counts(outcome) == {"claims.csv": (3, 2, 0, 0, 1), "orders.csv": (1, 0, 0, 0, 1)}
    assert outcome.rejected is not None
    assert pl.read_csv(outcome.rejected).rows() == [
        ("claims.csv", 3, "address", "differs from what is known of the same claim_id"),
        ("orders.csv", 2, "buyer_id", "differs from what is known of the same order_id"),
    ]
    market = store.market.read()
    assert market.buyer_ids.to_list() == ["B1", "new"], "a buyer of rejected rows alone was never seen"
    assert len(market.identifiers[0].exact) == 1, "nor a value"


def test_all_that_was_said_of_a_contradicting_claim_is_rejected(
    store: Store, lease: Lease, tmp_path: Path
) -> None:
    loaded(store, lease, write(tmp_path / "a", claims=[CLAIM]))
    other = CLAIM | {"amount": "2.00"}
    rows = [other, other, other | {"status": "refunded"}, CLAIM, CLAIM | {"claim_id": "C2"}]
    outcome = loaded(store, lease, write(tmp_path / "b", claims=rows), options=LENIENT)
    assert counts(outcome) == {"claims.csv": (5, 1, 0, 0, 4)}
    (claim,) = store.market.claims(("C1",), PLATFORM)
    assert (claim.status, claim.amount) == ("open", 100)


def test_a_file_with_fewer_columns_says_less_and_one_with_more_is_told_so(
    store: Store, lease: Lease, tmp_path: Path
) -> None:
    loaded(store, lease, write(tmp_path / "a", claims=[CLAIM]))
    fewer = {name: CLAIM[name] for name in list(CLAIM)[:6]}
    outcome = loaded(store, lease, write(tmp_path / "b", claims=[fewer]))
    assert counts(outcome) == {"claims.csv": (1, 0, 1, 0, 0)}
    more = CLAIM | {"country": "DE"}
    outcome = loaded(store, lease, write(tmp_path / "c", claims=[more]))
    assert counts(outcome) == {"claims.csv": (1, 0, 1, 0, 0)}
    assert any("more columns than before (country)" in line for line in outcome.warnings)


def test_uses_keep_when_they_were_first_and_last_seen(store: Store, lease: Lease, tmp_path: Path) -> None:
    later = CLAIM | {"claim_id": "C2", "filed_at": "2024-05-01"}
    told = [{"buyer_id": "B1", "kind": "address", "value": "12 Elm St, Apt 3", "first_seen": "2023-01-01"}]
    files = write(tmp_path / "a", claims=[CLAIM, later], identifiers=told)
    assert loaded(store, lease, files).load is not None
    uses = store.market.tables_of(1).uses.select("first_at", "last_at").rows()
    moments = [np.datetime64(day, "us").astype(int).item() for day in ("2023-01-01", "2024-05-01")]
    assert uses == [tuple(moments)]


def test_an_empty_claims_file_is_no_reason_not_to_load_the_rest(
    store: Store, lease: Lease, tmp_path: Path
) -> None:
    folder = write(tmp_path / "a", buyers=[{"buyer_id": "B1", "country": "DE"}])
    (folder / "claims.csv").write_text("claim_id,buyer_id,merchant_id,filed_at,amount\n")
    outcome = loaded(store, lease, folder)
    assert any("has no rows" in line for line in outcome.warnings)
    assert store.market.read().buyer_ids.to_list() == ["B1"]


def test_a_folder_of_nothing_is_refused(store: Store, lease: Lease, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(
        UnreadableInputError, match="no file to load; found nothing; call files claims, orders"
    ):
        loaded(store, lease, empty)
    assert store.market.version() == 0


def test_the_account_of_a_load_is_kept_with_it(store: Store, lease: Lease, tmp_path: Path) -> None:
    loaded(store, lease, write(tmp_path / "a", claims=[CLAIM, CLAIM | {"claim_id": "C2", "category": ""}]))
    (load,) = store.market.loads()
    assert load.source.files == (FileCount("claims.csv", "claims", 2, 2, 0, 0, 0),)
    filled = load.source.filled["claims"]
    assert (filled["claim_id"], filled["buyer_id"], filled["category"], filled["device"]) == (2, 2, 1, 0)
    assert load.source.key_id == KEY.key_id


def test_how_files_are_read_makes_another_load(store: Store, lease: Lease, tmp_path: Path) -> None:
    files = write(tmp_path / "a", claims=[CLAIM])
    loaded(store, lease, files)
    assert loaded(store, lease, files, options=IntakeOptions(default_currency="EUR")).load is not None
    assert loaded(store, lease, files, options=LENIENT).load is None, "how much may be bad changes no row"
