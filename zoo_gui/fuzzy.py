"""Which of many texts somebody means who types a few letters of it. No Qt.

Small and of our own: a matcher from a library would rank whole strings by likeness, which for a few typed letters puts
short texts before meant ones; what counts here is where words begin.
"""

from __future__ import annotations

import re
from typing import NamedTuple

WHOLE, START, INSIDE, SCATTERED = 110.0, 100.0, 60.0, 40.0
ASIDE = 0.45  # what a match in the words beside a title counts, of one in it
_WORD = re.compile(r"[^\W_]+", re.UNICODE)


class Text(NamedTuple):
    """A title made ready for matching: lower case, where its words begin, and further words that are searched."""

    lower: str
    starts: tuple[int, ...]
    aside: str

    @classmethod
    def of(cls, title: str, aside: str = "") -> Text:
        return cls(title.lower(), tuple(found.start() for found in _WORD.finditer(title)), aside.lower())


class Match(NamedTuple):
    """How well a query fits, and which letters of the title it took."""

    score: float
    letters: tuple[int, ...]


class Query:
    """What was typed, in words; each of them must be found, in any order."""

    def __init__(self, typed: str):
        self.words = tuple(typed.lower().split())
        self._scattered = {word: re.compile(".*?".join(map(re.escape, word)), re.DOTALL) for word in self.words}

    def match(self, text: Text) -> Match | None:
        """None where a word is not found. A query without words fits everything."""
        score, letters = 0.0, []
        for word in self.words:
            found = self._find(word, text)
            if found is None:
                return None
            score += found.score
            letters += found.letters
        if not self.words:
            return Match(0.0, ())
        return Match(score / len(self.words) - 0.1 * len(text.lower), tuple(sorted(set(letters))))

    def _find(self, word: str, text: Text) -> Match | None:
        at = text.lower.find(word)
        if at >= 0:
            return _best_place(word, text, at)
        if word in text.aside:
            begins = re.search(rf"(?<![^\W_]){re.escape(word)}", text.aside)
            return Match((START if begins else INSIDE) * ASIDE, ())
        return self._find_scattered(word, text) if len(word) > 1 else None

    def _find_scattered(self, word: str, text: Text) -> Match | None:
        """Its letters in order with others between them: initials first, else as near together as may be."""
        if not self._scattered[word].search(text.lower):
            return None
        letters = _initials(word, text) or _nearest(word, text.lower)
        starts = sum(letter in text.starts for letter in letters)
        gaps = letters[-1] - letters[0] + 1 - len(letters)
        if letters[0] not in text.starts or gaps > 3 * len(word) + 4 * starts:
            return None  # letters that stand anywhere mean nothing
        return Match(max(5.0, SCATTERED + 8.0 * starts - 1.5 * gaps), letters)


def _best_place(word: str, text: Text, at: int) -> Match:
    """A word that stands in the title: at the beginning of a word if it does anywhere."""
    begins = next((start for start in text.starts if text.lower.startswith(word, start)), None)
    if begins is None:
        return Match(INSIDE, tuple(range(at, at + len(word))))
    end = begins + len(word)
    is_whole = end == len(text.lower) or not text.lower[end].isalnum()
    score = (WHOLE if is_whole else START) + (5.0 if begins == 0 else 0.0)
    return Match(score, tuple(range(begins, end)))


def _initials(word: str, text: Text) -> tuple[int, ...] | None:
    """The letters as beginnings of words in order, or following one that was taken."""
    letters: list[int] = []
    for letter in word:
        following = letters[-1] + 1 if letters else -1
        if 0 < following < len(text.lower) and text.lower[following] == letter:
            letters.append(following)
            continue
        start = next((s for s in text.starts if s > (letters[-1] if letters else -1) and text.lower[s] == letter), None)
        if start is None:
            return None
        letters.append(start)
    return tuple(letters)


def _nearest(word: str, lower: str) -> tuple[int, ...]:
    """The letters in order, in the shortest stretch that ends where they first do."""
    end = -1
    for letter in word:
        end = lower.index(letter, end + 1)
    letters = [end]
    for letter in reversed(word[:-1]):
        letters.append(lower.rindex(letter, 0, letters[-1]))
    return tuple(reversed(letters))
