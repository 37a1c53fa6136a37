"""Where people live, as they write it, and the same door written to look like another."""

import numpy as np

STREETS = ("Alder", "Bishop", "Canal", "Dover", "Eastgate", "Foundry", "Garnet", "Hawthorn", "Ivy", "Juniper")
KINDS_OF_STREET = (("Street", "St"), ("Avenue", "Ave"), ("Road", "Rd"), ("Lane", "Ln"), ("Boulevard", "Blvd"))
TOWNS = ("Brookhaven", "Clearwater", "Dunmore", "Fairbury", "Greenfield", "Marlow", "Newport", "Rockford")
RUAS = ("Rua das Acácias", "Avenida Ipiranga", "Rua do Comércio", "Travessa São José", "Rua Sete de Abril")
STRASSEN = ("Lindenweg", "Gartenstraße", "Am Mühlbach", "Kirchgasse", "Bahnhofstraße", "Schillerplatz")
ROADS_ZH = ("世纪大道", "中山路", "人民路", "解放大道", "和平街")


def write_homes(rng: np.random.Generator, count: int) -> list[str]:
    """`count` addresses in four national styles, nearly all distinct."""
    style, number, unit, zone, pick, town = (
        rng.integers(0, high, count).tolist() for high in (10, 900, 240, 90_000, 5, 8)
    )
    homes: list[str] = []
    for s, n, u, z, p, t in zip(style, number, unit, zone, pick, town, strict=True):
        if s < 6:
            home = f"{n + 1} {STREETS[z % 10]} {KINDS_OF_STREET[p][0]}"
            home += f" Apt {u // 6 + 1}{'ABCDEF'[u % 6]}, " if u % 3 else ", "
            homes.append(home + f"{TOWNS[t]} {z + 10_000}")
        elif s < 8:
            homes.append(f"{RUAS[p]}, {n + 1} apto {u + 1} - {z + 10_000:05d}-{(n * 7) % 1000:03d}")
        elif s < 9:
            homes.append(f"{STRASSEN[p]} {n + 1}, {z + 10_000} {TOWNS[t]}")
        else:
            homes.append(f"{ROADS_ZH[p]}{n + 1}号{u % 30 + 1}栋{u + 100}室 {z + 100_000}")
    return homes


def write_building(rng: np.random.Generator) -> tuple[str, str]:
    """Street and town of one building, between which a unit may stand."""
    street = f"{rng.integers(1, 900)} {STREETS[rng.integers(10)]} {KINDS_OF_STREET[rng.integers(5)][0]}"
    return street, f"{TOWNS[rng.integers(8)]} {rng.integers(10_000, 99_999)}"


def write_jigs(rng: np.random.Generator, count: int) -> list[str]:
    """One flat in `count` spellings that a parcel service still understands, no two alike if possible."""
    number, flat, letter = rng.integers(1, 900), rng.integers(1, 60), "ABCDEF"[rng.integers(6)]
    name, town, zone = STREETS[rng.integers(10)], TOWNS[rng.integers(8)], rng.integers(10_000, 99_999)
    kind = KINDS_OF_STREET[rng.integers(5)]
    units = (
        f"Apt {flat}{letter}",
        f"Apartment {flat}-{letter}",
        f"apt. {flat} {letter.lower()}",
        f"Unit {flat}{letter}",
        f"#{flat}{letter}",
        f"Flat {flat}{letter.lower()}",
    )
    spellings: list[str] = []
    for _ in range(20 * count):
        unit, street = units[rng.integers(6)], f"{number} {name} {kind[rng.integers(2)]}"
        parts = [unit, street] if rng.random() < 0.3 else [street, unit]
        glue = (", ", " ", " - ")[rng.integers(3)]
        text = glue.join([*parts, f"{town} {zone}" if rng.random() < 0.7 else f"{zone} {town}"])
        text = (text, text.lower(), text.upper())[rng.choice(3, p=[0.6, 0.25, 0.15])]
        if text not in spellings:
            spellings.append(text)
        if len(spellings) == count:
            break
    return [spellings[place % len(spellings)] for place in range(count)]
