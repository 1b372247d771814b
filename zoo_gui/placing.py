"""Places for labels beside what they name: none over another, none cut off. No Qt.

A box is (left, top, width, height).
"""

from __future__ import annotations

from typing import Iterator, NamedTuple, Sequence

Box = tuple[int, int, int, int]
GAP, STEP = 4, 8  # pixels


class Wanted(NamedTuple):
    """A label: what it names, its sizes from the one that says most to the one that must do, and where it is best."""

    about: Box
    sizes: tuple[tuple[int, int], ...]
    inside: bool = False  # within what it names, near its top, as panels'


def overlap(one: Box, other: Box, gap: int = 0) -> bool:
    """Whether two boxes come nearer than ``gap``."""
    return (one[0] < other[0] + other[2] + gap and other[0] < one[0] + one[2] + gap
            and one[1] < other[1] + other[3] + gap and other[1] < one[1] + one[3] + gap)


def place(wanted: Sequence[Wanted], bounds: Box, taken: Sequence[Box] = ()) -> list[Box | None]:
    """A box for each label, the first have the choice; None where the bounds have no room left."""
    boxes: list[Box] = list(taken)
    found = []
    for label in wanted:
        box = _inside(label, bounds, boxes) if label.inside else None
        box = box or _near(label, bounds, boxes)
        found.append(box)
        if box is not None:
            boxes.append(box)
    return found


def _free(box: Box, bounds: Box, boxes: Sequence[Box]) -> bool:
    return (box[0] >= bounds[0] and box[1] >= bounds[1] and box[0] + box[2] <= bounds[0] + bounds[2]
            and box[1] + box[3] <= bounds[1] + bounds[3] and not any(overlap(box, other, GAP) for other in boxes))


def _inside(label: Wanted, bounds: Box, boxes: Sequence[Box]) -> Box | None:
    """The largest size that fits within, in the middle and as high as may be."""
    left, top, width, height = label.about
    for across, down in label.sizes:
        edge = min(4, (height - down) // 2)
        for y in range(top + edge, top + height - down - edge + 1, STEP):
            for x in _from_middle(left + 4, left + width - across - 4):
                if _free((x, y, across, down), bounds, boxes):
                    return x, y, across, down
    return None


def _from_middle(low: int, high: int) -> Iterator[int]:
    """The middle of a stretch, then left and right of it by steps."""
    middle = (low + high) // 2
    for by in range(0, (high - low) // 2 + 1, STEP):
        yield middle - by
        if by:
            yield middle + by


def _near(label: Wanted, bounds: Box, boxes: Sequence[Box]) -> Box | None:
    """The smallest size at the free place that is nearest to the middle of what it names."""
    across, down = label.sizes[-1]
    x = label.about[0] + (label.about[2] - across) // 2
    y = label.about[1] + (label.about[3] - down) // 2
    for ring in range(max(bounds[2], bounds[3]) // STEP + 1):
        for dx, dy in _ring(ring):
            box = (x + dx * STEP, y + dy * STEP, across, down)
            if _free(box, bounds, boxes):
                return box
    return None


def _ring(radius: int) -> Iterator[tuple[int, int]]:
    """Steps on a square around the middle, the nearest first: up and down before left and right."""
    if not radius:
        yield 0, 0
        return
    for along in sorted(range(-radius, radius + 1), key=abs):
        yield along, -radius
        yield along, radius
    for along in sorted(range(-radius + 1, radius), key=abs):
        yield -radius, along
        yield radius, along
