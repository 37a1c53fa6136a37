import polars as pl

from ringfence.store.columnar.report_columns import REPORTS, read_reports

KEPT = {
    "reports": pl.DataFrame([("r1", 0, 1, 5), ("r1", 0, 0, 5), ("r2", 1, 1, 4)], REPORTS, orient="row"),
    "buyers": pl.DataFrame(
        {"buyer": [0, 1], "buyer_id": ["ann", "bob"]}, {"buyer": pl.Int32, "buyer_id": pl.String}
    ),
    "merchants": pl.DataFrame(
        {"merchant": [0, 1, 2], "merchant_id": ["mart", "shop", "fair"]},
        {"merchant": pl.Int32, "merchant_id": pl.String},
    ),
}


def all_rows() -> pl.DataFrame:
    raise AssertionError("no row is asked for while the columns hold all")


def test_what_was_filed_stands_for_what_a_load_brought_of_that_merchant_alone() -> None:
    filed = pl.DataFrame([("r1", 1, 0, 6), ("r1", 0, 2, 5)], REPORTS, orient="row")
    read = read_reports(KEPT.get, filed, 4, all_rows)
    told = zip(
        read.report_ids,
        read.buyer_ids.gather(read.buyer),
        read.merchant_ids.gather(read.merchant),
        strict=True,
    )
    assert list(told) == [
        ("r1", "ann", "fair"),
        ("r1", "ann", "shop"),
        ("r2", "bob", "shop"),
        ("r1", "bob", "mart"),
    ]
