"""Regular fractions of factorial designs, two-level and mixed, by their defining relation.

A factor with 2^m levels is m two-level pseudo-factors (Addelman 1962; Wu and Hamada, Experiments, 3rd ed., ch. 7):
bit i of the level's number is the level of the i-th. A word is a set of pseudo-factors, kept as a bit mask, and the
defining relation is the group of words that are constant in the fraction. Its resolution is the least number of
*factors* that a word touches; a word within one factor would take levels away from it. The fraction in which all words
are even is the one with the cell of all first levels.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from efficienttrust.errors import UsageError

MOST = 10  # pseudo-factors, so that the search for generators is over in a moment
ROMAN = {1: "I", 2: "II", 3: "III", 4: "IV", 5: "V", 6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X"}


@dataclass(frozen=True)
class RegularFraction:
    """A regular fraction.

    Attributes:
        factors: Number of levels by factor; each a power of 2.
        generators: Words, as bit masks, that generate the defining relation.
    """

    factors: Mapping[str, int]
    generators: tuple[int, ...]

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """The factor of each pseudo-factor, in the order of their bits."""
        return owners_of(self.factors)

    @cached_property
    def relation(self) -> tuple[int, ...]:
        """All words of the defining relation but the empty one."""
        return span(self.generators)

    @property
    def resolution(self) -> int:
        """The least number of factors that a word of the defining relation touches."""
        return min(weight(word, self.owners) for word in self.relation)

    @property
    def share(self) -> float:
        """Share of the full design."""
        return 0.5 ** len(self.generators)

    def holds(self, levels: Mapping[str, int]) -> bool:
        """Return whether a combination, as a number of a level by factor, is in the fraction."""
        mask, bit = 0, 0
        for name, count in self.factors.items():
            mask |= levels[name] << bit
            bit += count.bit_length() - 1
        return not any(int(mask & word).bit_count() % 2 for word in self.generators)

    @property
    def text(self) -> str:
        """Generators and aliases, in words."""
        names = [*pseudo_names(self.factors)]
        said = [" × ".join(one for bit, one in enumerate(names) if word >> bit & 1) for word in self.generators]
        runs, whole = round(self.share * 2 ** len(names)), 2 ** len(names)
        of = ", ".join(self.factors)
        lines = [
            f"A regular fraction of resolution {ROMAN[self.resolution]}: {runs} of {whole} combinations of {of}.",
            f"Even in it: {'; '.join(said)}.",
            "Main effects are clear of each other and of two-factor interactions.",
        ]
        chains = [*self.aliases()]
        if chains:
            lines.append("Not told apart: " + "; ".join(" and ".join(one) for one in chains) + ".")
        else:
            lines.append("Two-factor interactions are clear of each other; three-factor ones are taken to be nothing.")
        if any(count > 2 for count in self.factors.values()):
            lines.append(
                "Of a factor with more than two levels, NAME.1, NAME.2 ... are the bits of the level's number."
            )
        return " ".join(lines)

    def aliases(self) -> Iterator[tuple[str, ...]]:
        """Yield the two-factor interactions of which some contrasts cannot be told apart."""
        group = (0, *self.relation)
        chains: dict[int, list[str]] = {}
        for first, second in itertools.combinations(self.factors, 2):
            for word in self._words(first, second):
                name = f"{first}:{second}"
                chain = chains.setdefault(min(word ^ one for one in group), [])
                if name not in chain:
                    chain.append(name)
        yield from sorted({tuple(chain) for chain in chains.values() if len(chain) > 1})

    def _words(self, *names: str) -> Iterator[int]:
        """Yield the words of an effect: one of each factor's own, together."""
        masks = [sum(1 << bit for bit, owner in enumerate(self.owners) if owner == name) for name in names]
        for word in range(1, 1 << len(self.owners)):
            if not word & ~sum(masks) and all(word & mask for mask in masks):
                yield word


def regular_fraction(factors: Mapping[str, int], resolution: int) -> RegularFraction:
    """Return the smallest regular fraction of at least a resolution.

    Args:
        factors: Number of levels by factor.
        resolution: 3 or more.

    Raises:
        UsageError: A factor has no power of 2 of levels, there are too many, or none but the full design has it.
    """
    for name, count in factors.items():
        if count < 2 or count & (count - 1):
            raise UsageError(
                f"factor {name} has {count} levels, which is not 2, 4 or 8: a regular fraction cannot halve it. Leave "
                "it out of design.fraction.of, and it is crossed in full"
            )
    owners = owners_of(factors)
    if len(owners) > MOST:
        raise UsageError(
            f"{', '.join(factors)} are {len(owners)} two-level factors together; a fraction of more than {MOST} is not "
            "searched. Name fewer in design.fraction.of"
        )
    for taken in range(len(owners) - 1, 0, -1):  # generators: the more, the smaller the fraction
        found = _search(owners, taken, resolution)
        if found is not None:
            return RegularFraction(dict(factors), found)
    shown = ", ".join(f"{name} ({count} levels)" for name, count in factors.items()) or "no factor with 2 or 4 levels"
    raise UsageError(
        f"no fraction of resolution {ROMAN[resolution]} exists of {shown}: it takes at least {resolution} factors "
        "whose levels are powers of 2; leave out design.fraction for the full design"
    )


def owners_of(factors: Mapping[str, int]) -> tuple[str, ...]:
    """Return the factor of each pseudo-factor, in the order of their bits."""
    return tuple(name for name, count in factors.items() for _ in range(count.bit_length() - 1))


def pseudo_names(factors: Mapping[str, int]) -> Iterator[str]:
    """Yield the names of pseudo-factors: that of the factor, numbered where it has several."""
    for name, count in factors.items():
        bits = count.bit_length() - 1
        yield from (name if bits == 1 else f"{name}.{one + 1}" for one in range(bits))


def span(generators: Sequence[int]) -> tuple[int, ...]:
    """Return all products of words but the empty one."""
    words = {0}
    for one in generators:
        words |= {word ^ one for word in words}
    return tuple(sorted(words - {0}))


def weight(word: int, owners: Sequence[str]) -> int:
    """Return how many factors a word touches."""
    return len({owner for bit, owner in enumerate(owners) if word >> bit & 1})


def _search(owners: Sequence[str], taken: int, resolution: int) -> tuple[int, ...] | None:
    """Return generators of a fraction, the first in a fixed order, or None where there are none."""
    n = len(owners)
    if 2 ** (n - taken) < _least_runs(owners, resolution):
        return None
    allowed = bytearray(weight(word, owners) >= resolution for word in range(1 << n))

    def extend(chosen: tuple[int, ...], words: tuple[int, ...], pivots: int) -> tuple[int, ...] | None:
        """Add generators in reduced echelon form: every group of words is met once, and not once for each basis."""
        lacking = taken - len(chosen)
        if not lacking:
            return chosen
        for top in range(pivots.bit_length(), n - lacking + 1):
            for word in range(1 << top, 2 << top):
                if word & pivots or not allowed[word]:
                    continue
                if all(allowed[one ^ word] for one in words):
                    found = extend((*chosen, word), (*words, word, *(one ^ word for one in words)), pivots | 1 << top)
                    if found is not None:
                        return found
        return None

    return extend((), (), 0)


def _least_runs(owners: Sequence[str], resolution: int) -> int:
    """Return how many runs it takes at least, by counting what has to be estimable (Rao's bound)."""
    degrees = [int(2 ** sum(owner == one for owner in owners)) - 1 for one in dict.fromkeys(owners)]
    total, squares = sum(degrees), sum(one * one for one in degrees)
    pairs = (total * total - squares) // 2
    return 1 + total + (pairs if resolution >= 5 else 0)
