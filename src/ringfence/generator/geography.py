"""Countries with their money, clocks and ways of writing an address."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Style:
    """How a country writes an address: streets, the flat, and what stands where."""

    streets: tuple[tuple[str, ...], ...]
    """Each street in three spellings, the full one first."""
    units: tuple[tuple[str, str, str], ...]
    """Ways to name a flat: (before the number, between number and letter, after)."""
    house_first: bool
    """True for "23 Oak Street", False for "Lindenstraße 23"."""
    house_glue: str
    """What stands between street and house number."""
    house_suffix: str
    """What follows the house number."""
    separators: tuple[str, str, str]
    """What stands between the parts, the usual first."""
    unit_first: bool
    """True where the flat usually comes before the street."""
    place_first: bool
    """True where the town comes before the street."""


@dataclass(frozen=True)
class Country:
    """Where buyers and merchants live."""

    code: str
    """ISO 3166 alpha-2."""
    currency: str
    """ISO 4217."""
    exponent: int
    """Digits after the decimal point of that currency."""
    price_level: float
    """What one euro costs in it, roughly."""
    utc_offset_hours: int
    weight: float
    """Share of the marketplace's people."""
    dial: str
    """Telephone prefix."""
    phone_digits: int
    """Digits after the prefix."""
    style: Style
    towns: tuple[tuple[str, str], ...]
    """(pattern of the postcode, town): # is any digit, @ any letter."""
    postcode_first: bool


def _spell(names: str, kinds: tuple[tuple[str, str, str], ...], pattern: str) -> tuple[tuple[str, ...], ...]:
    return tuple(
        tuple(pattern.format(name=name, kind=spelling) for spelling in kind)
        for name in names.split(",")
        for kind in kinds
    )


_ENGLISH = Style(
    streets=_spell(
        "Oak,Maple,Cedar,Elm,Park,Lake,Hill,Mill,Church,Station,Victoria,King,Queen,Washington,"
        "Lincoln,Franklin,Highland,Sunset,Meadow,River,Spring,Garden,Chestnut,Walnut,Birch,"
        "Willow,Orchard,Bridge,Market,Union,Adams,Jackson,Prospect,Grove,Cherry,Poplar,Albert,"
        "Windsor,Harbour,College",
        (
            ("Street", "St", "St."),
            ("Avenue", "Ave", "Av."),
            ("Road", "Rd", "Rd."),
            ("Lane", "Ln", "Ln."),
            ("Drive", "Dr", "Dr."),
        ),
        "{name} {kind}",
    ),
    units=(
        ("Apt ", "", ""),
        ("Apartment ", "-", ""),
        ("", "", " apt."),
        ("Flat ", " ", ""),
        ("#", "", ""),
        ("Unit ", "", ""),
    ),
    house_first=True,
    house_glue=" ",
    house_suffix="",
    separators=(", ", " ", " - "),
    unit_first=True,
    place_first=False,
)
_GERMAN = Style(
    streets=_spell(
        "Linden,Berg,Garten,Schiller,Goethe,Bahnhof,Kirch,Schul,Wald,Mozart,Rosen,Birken,Haupt,"
        "Wiesen,Ahorn,Markt,Mühlen,Friedrich,Ring,Buchen,Eichen,Blumen,Hafen,Feld,Sonnen",
        (("straße", "str.", "strasse"), ("weg", "weg", "-Weg"), ("allee", "allee", "-Allee")),
        "{name}{kind}",
    ),
    units=(
        ("Whg. ", "", ""),
        ("Wohnung ", " ", ""),
        ("Whg ", "-", ""),
        ("App. ", "", ""),
        ("W", "", ""),
        ("WE ", " ", ""),
    ),
    house_first=False,
    house_glue=" ",
    house_suffix="",
    separators=(", ", " ", " / "),
    unit_first=False,
    place_first=False,
)
_FRENCH = Style(
    streets=_spell(
        "des Lilas,Victor Hugo,de la Gare,du Moulin,Pasteur,des Écoles,Jean Jaurès,"
        "de la République,des Acacias,du Château,Voltaire,de l'Église,Gambetta,des Roses,"
        "Émile Zola,du Général Leclerc,Molière,des Peupliers,de Verdun,du Marché",
        (
            ("Rue", "R.", "rue"),
            ("Avenue", "Av.", "Ave"),
            ("Boulevard", "Bd", "Blvd"),
            ("Impasse", "Imp.", "impasse"),
        ),
        "{kind} {name}",
    ),
    units=(
        ("Appt ", "", ""),
        ("Appartement ", " ", ""),
        ("Apt. ", "-", ""),
        ("App ", "", ""),
        ("", "", " appt"),
        ("Porte ", "", ""),
    ),
    house_first=True,
    house_glue=" ",
    house_suffix="",
    separators=(", ", " ", " - "),
    unit_first=False,
    place_first=False,
)
_SPANISH = Style(
    streets=_spell(
        "Mayor,Real,del Sol,de Cervantes,de la Iglesia,Nueva,San Juan,de la Paz,del Carmen,"
        "de Goya,de Velázquez,de Colón,de la Constitución,de Alcalá,del Pilar,San Antonio,"
        "de Lorca,de las Flores",
        (
            ("Calle", "C/", "Cl."),
            ("Avenida", "Avda.", "Av."),
            ("Plaza", "Pza.", "Plz."),
            ("Paseo", "P.º", "Pso."),
        ),
        "{kind} {name}",
    ),
    units=(
        ("Piso ", "", ""),
        ("Piso ", "º ", ""),
        ("", "º", ""),
        ("Puerta ", "-", ""),
        ("Pta. ", "", ""),
        ("Apto. ", "", ""),
    ),
    house_first=False,
    house_glue=" ",
    house_suffix="",
    separators=(", ", " ", " - "),
    unit_first=False,
    place_first=False,
)
_PORTUGUESE = Style(
    streets=_spell(
        "das Flores,São João,Brasil,Santos Dumont,da Paz,Tiradentes,XV de Novembro,"
        "Sete de Setembro,das Palmeiras,Castro Alves,Rui Barbosa,dos Andradas,Santa Luzia,"
        "do Comércio,Getúlio Vargas,Bela Vista,das Acácias,Marechal Deodoro,Dom Pedro II,"
        "José Bonifácio",
        (
            ("Rua", "R.", "R"),
            ("Avenida", "Av.", "Av"),
            ("Travessa", "Tv.", "Trav."),
            ("Alameda", "Al.", "Alam."),
        ),
        "{kind} {name}",
    ),
    units=(
        ("Apto ", "", ""),
        ("Apartamento ", "-", ""),
        ("Ap. ", " ", ""),
        ("Apt ", "", ""),
        ("", "", " apto"),
        ("Casa ", "", ""),
    ),
    house_first=False,
    house_glue=", ",
    house_suffix="",
    separators=(", ", " ", " - "),
    unit_first=False,
    place_first=False,
)
_CHINESE = Style(
    streets=_spell(
        "人民,中山,解放,建设,和平,新华,文化,长江,黄河,南京,北京,胜利,光明,幸福,学府,科技,朝阳,东风,青年,友谊,滨江,花园",
        (("路", "路", "馬路"), ("大道", "大道", "大路"), ("街", "街", "大街")),
        "{name}{kind}",
    ),
    units=(
        ("", "", "室"),
        ("", "-", "房"),
        ("#", "", ""),
        ("", "", "号房"),
        ("门牌", "", ""),
        ("", "", "单元"),
    ),
    house_first=False,
    house_glue="",
    house_suffix="号",
    separators=("", " ", ","),
    unit_first=False,
    place_first=True,
)
_JAPANESE = Style(
    streets=_spell(
        "恵比寿,青葉,桜木,中央,本,栄,緑,若葉,泉,松原,富士見,旭,美園,春日,高砂,住吉,寿,末広",
        (
            ("1丁目", "一丁目", "1-"),
            ("2丁目", "二丁目", "2-"),
            ("3丁目", "三丁目", "3-"),
            ("町", "町", "まち"),
        ),
        "{name}{kind}",
    ),
    units=(("", "", "号室"), ("", "-", ""), ("#", "", ""), ("", "", "号"), ("Rm ", "", ""), ("部屋", "", "")),
    house_first=False,
    house_glue="",
    house_suffix="番",
    separators=(" ", "", ","),
    unit_first=False,
    place_first=True,
)

COUNTRIES = (
    Country(
        "US", "USD", 2, 1.1, -6, 0.26, "+1", 10, _ENGLISH,
        (
            ("902##", "Springfield"),
            ("606##", "Chicago"),
            ("100##", "New York"),
            ("770##", "Houston"),
            ("850##", "Phoenix"),
            ("191##", "Philadelphia"),
            ("782##", "San Antonio"),
            ("921##", "San Diego"),
            ("981##", "Seattle"),
            ("303##", "Atlanta"),
            ("021##", "Boston"),
            ("802##", "Denver"),
        ), True,
    ),
    Country(
        "GB", "GBP", 2, 0.85, 0, 0.13, "+44", 10, _ENGLISH,
        (
            ("M1# #@@", "Manchester"),
            ("LS# #@@", "Leeds"),
            ("B2# #@@", "Birmingham"),
            ("SW1# #@@", "London"),
            ("E1# #@@", "London"),
            ("BS# #@@", "Bristol"),
            ("G4# #@@", "Glasgow"),
            ("CF2# #@@", "Cardiff"),
        ), False,
    ),
    Country(
        "DE", "EUR", 2, 1.0, 1, 0.15, "+49", 11, _GERMAN,
        (
            ("10###", "Berlin"),
            ("80###", "München"),
            ("20###", "Hamburg"),
            ("50###", "Köln"),
            ("60###", "Frankfurt"),
            ("70###", "Stuttgart"),
            ("04###", "Leipzig"),
            ("28###", "Bremen"),
            ("79###", "Freiburg"),
        ), True,
    ),
    Country(
        "FR", "EUR", 2, 1.0, 1, 0.11, "+33", 9, _FRENCH,
        (
            ("750##", "Paris"),
            ("690##", "Lyon"),
            ("130##", "Marseille"),
            ("310##", "Toulouse"),
            ("440##", "Nantes"),
            ("330##", "Bordeaux"),
            ("590##", "Lille"),
            ("670##", "Strasbourg"),
        ), True,
    ),
    Country(
        "ES", "EUR", 2, 1.0, 1, 0.07, "+34", 9, _SPANISH,
        (
            ("280##", "Madrid"),
            ("080##", "Barcelona"),
            ("460##", "Valencia"),
            ("410##", "Sevilla"),
            ("500##", "Zaragoza"),
            ("290##", "Málaga"),
        ), True,
    ),
    Country(
        "BR", "BRL", 2, 5.5, -3, 0.11, "+55", 11, _PORTUGUESE,
        (
            ("01###-###", "São Paulo"),
            ("20###-###", "Rio de Janeiro"),
            ("30###-###", "Belo Horizonte"),
            ("40###-###", "Salvador"),
            ("80###-###", "Curitiba"),
            ("90###-###", "Porto Alegre"),
        ), True,
    ),
    Country(
        "CN", "CNY", 2, 7.8, 8, 0.08, "+86", 11, _CHINESE,
        (
            ("2001##", "上海市浦东新区"),
            ("1000##", "北京市朝阳区"),
            ("5106##", "广州市天河区"),
            ("5180##", "深圳市南山区"),
            ("3100##", "杭州市西湖区"),
            ("6100##", "成都市武侯区"),
        ), True,
    ),
    Country(
        "JP", "JPY", 0, 160.0, 9, 0.06, "+81", 10, _JAPANESE,
        (
            ("〒150-00##", "東京都渋谷区"),
            ("〒530-00##", "大阪市北区"),
            ("〒450-00##", "名古屋市中村区"),
            ("〒810-00##", "福岡市中央区"),
            ("〒060-00##", "札幌市中央区"),
        ), True,
    ),
    Country(
        "AU", "AUD", 2, 1.65, 10, 0.03, "+61", 9, _ENGLISH,
        (("20##", "Sydney NSW"),
            ("30##", "Melbourne VIC"),
            ("40##", "Brisbane QLD"),
            ("60##", "Perth WA")), False,
    ),
)  # fmt: skip
"""Every country of the simulation, by weight that adds up to one."""
