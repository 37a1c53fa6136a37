"""A run's figures against the truth, as a part of the page."""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.export.markup import Markup, element, join

_MAIN = (
    ("precision", "Precision", "of accused buyers, those who are fraud"),
    ("recall", "Recall", "of fraud, those accused"),
    ("f1", "F1", "precision and recall in one"),
    ("ring_recall", "Rings found", "of true rings, those half matched or better"),
)
_RANKING = (("average_precision", "Average precision"), ("roc_auc", "ROC AUC"), ("base_rate", "Base rate"))


def truth_figures(evaluation: Mapping[str, Any] | None) -> Iterator[tuple[str, str, str]]:
    """Name, value and aside of the headline figures; none where the truth is not known."""
    for key, name, _ in _MAIN[:2]:
        figure = (evaluation or {}).get(key) or {}
        if figure.get("value") is not None:
            yield name, _percent(figure["value"]), f"{_percent(figure['low'])} to {_percent(figure['high'])}"


def truth_panel(evaluation: Mapping[str, Any]) -> Markup:
    """All figures of `Evaluation.to_dict()` that are defined, with bars for their 95 % intervals."""
    main = [
        _row(name, aside, evaluation[key])
        for key, name, aside in _MAIN
        if (evaluation.get(key) or {}).get("value") is not None
    ]
    patterns = [
        _row(name, "", figure) for name, figure in (evaluation.get("recall_by_pattern") or {}).items()
    ]
    lookalikes = [
        _row(name, "", figure)
        for name, figure in ((evaluation.get("accused_by") or {}).get("lookalike") or {}).items()
    ]
    blocks = [
        _table(caption, rows)
        for caption, rows in (
            ("Found and accused", main),
            ("Recall by pattern", patterns),
            ("Honest look-alikes accused", lookalikes),
        )
        if rows
    ]
    return join(
        [
            element("h2", "Against the truth"),
            element(
                "div",
                element("div", *blocks, element("div", *_plain_figures(evaluation)), class_="pair bare"),
                element("p", "Bars are 95 % intervals.", class_="quiet"),
                *(element("p", note, class_="quiet") for note in evaluation.get("notes") or ()),
                class_="panel",
            ),
        ]
    )


def _plain_figures(evaluation: Mapping[str, Any]) -> Iterator[Markup]:
    rings = evaluation.get("rings") or {}
    rows = [(name, _number(evaluation.get(key))) for key, name in _RANKING]
    rows += [
        (f"Precision at {int(depth):,}", _number(value))
        for depth, value in (evaluation.get("precision_at") or {}).items()
    ]
    rows.append(("False rings", f"{rings.get('false', 0):,} of {rings.get('judged', 0):,}"))
    upper = rings.get("false_per_100k_honest_upper")
    if upper is not None:
        rows.append(("False rings per 100,000 honest, at most (95 %)", f"{upper:,.2f}"))
    yield element(
        "table",
        element("caption", "Ranking of all buyers, and false rings"),
        element(
            "tbody",
            *(
                element("tr", element("th", name, scope="row"), element("td", value, class_="number"))
                for name, value in rows
                if value
            ),
        ),
    )


def _table(caption: str, rows: list[Markup]) -> Markup:
    return element("div", element("table", element("caption", caption), element("tbody", *rows)))


def _row(name: str, aside: str, figure: Mapping[str, Any]) -> Markup:
    value, low, high = figure.get("value"), figure.get("low"), figure.get("high")
    counts = f"{figure['hits']:,}/{figure['total']:,}" if figure.get("total") else ""
    bar = ""
    if value is not None and low is not None and high is not None:
        bar = element(
            "svg",
            element("rect", class_="track", x=0, y=4, width=100, height=4),
            element(
                "rect", class_="range", x=100.0 * low, y=2, width=max(100.0 * (high - low), 0.5), height=8
            ),
            element("rect", class_="dot", x=min(100.0 * value, 98.8), y=0, width=1.2, height=12),
            viewBox="0 0 100 12",
            preserveAspectRatio="none",
            aria_hidden="true",
        )
    said = f"95 %: {_percent(low)} to {_percent(high)}" if low is not None and high is not None else None
    return element(
        "tr",
        element("th", name, scope="row", title=aside or None),
        element("td", bar, class_="bar"),
        element("td", "\u2013" if value is None else _percent(value), class_="number", title=said),
        element("td", counts, class_="number quiet"),
    )


def _percent(share: float) -> str:
    """To a tenth, and never 100 % or 0 % for what is not all or nothing."""
    if 0.9995 <= share < 1:
        return "> 99.9\u202f%"
    if 0 < share < 0.0005:
        return "< 0.1\u202f%"
    return f"{100 * share:.1f}".removesuffix(".0") + "\u202f%"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
