"""Go's `sort.Sort`: equal elements of longer lists come out in the order in which Go happens to leave them.

kubectl sorts with it where it shows tables and events, so what looks arbitrary there is reproducible. The algorithm is
pattern-defeating quicksort (https://arxiv.org/abs/2106.05123) with the constants of Go's package sort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
_SHORT, _NINTHER, _SHIFTING, _STEPS, _MOST_SWAPS = 12, 50, 50, 5, 12
_WORD = (1 << 64) - 1


def sorted_as_go(items: Sequence[T], less: Callable[[T, T], bool]) -> list[T]:
    """The items in order of `less`."""
    sorter = _Sorter(list(items), less)
    sorter.sort(0, len(items), len(items).bit_length())
    return sorter.items


class _Sorter(Generic[T]):
    def __init__(self, items: list[T], less: Callable[[T, T], bool]) -> None:
        self.items, self._less = items, less
        self._swaps = 0

    def less(self, i: int, j: int) -> bool:
        return self._less(self.items[i], self.items[j])

    def swap(self, i: int, j: int) -> None:
        self.items[i], self.items[j] = self.items[j], self.items[i]

    def sort(self, a: int, b: int, limit: int) -> None:
        balanced = partitioned = True
        while b - a > _SHORT:
            if not limit:
                return self._heap(a, b)
            if not balanced:
                self._break_patterns(a, b)
                limit -= 1
            pivot, rising = self._pivot(a, b)
            if rising is False:
                self.items[a:b] = self.items[a:b][::-1]
                pivot, rising = b - 1 - (pivot - a), True
            if balanced and partitioned and rising and self._nearly_sorted(a, b):
                return
            if a > 0 and not self.less(a - 1, pivot):
                a = self._partition_equal(a, b, pivot)
                continue
            middle, partitioned = self._partition(a, b, pivot)
            balanced = min(middle - a, b - middle) >= (b - a) // 8
            if middle - a < b - middle:
                self.sort(a, middle, limit)
                a = middle + 1
            else:
                self.sort(middle + 1, b, limit)
                b = middle
        self._insert(a, b)

    def _insert(self, a: int, b: int) -> None:
        for i in range(a + 1, b):
            j = i
            while j > a and self.less(j, j - 1):
                self.swap(j, j - 1)
                j -= 1

    def _heap(self, a: int, b: int) -> None:
        size = b - a
        for i in range((size - 1) // 2, -1, -1):
            self._sift(i, size, a)
        for i in range(size - 1, -1, -1):
            self.swap(a, a + i)
            self._sift(0, i, a)

    def _sift(self, root: int, end: int, first: int) -> None:
        while (child := 2 * root + 1) < end:
            if child + 1 < end and self.less(first + child, first + child + 1):
                child += 1
            if not self.less(first + root, first + child):
                return
            self.swap(first + root, first + child)
            root = child

    def _partition(self, a: int, b: int, pivot: int) -> tuple[int, bool]:
        self.swap(a, pivot)
        i, j = self._narrowed(a + 1, b - 1, a)
        done = i > j
        while i <= j:
            self.swap(i, j)
            i, j = self._narrowed(i + 1, j - 1, a)
        self.swap(j, a)
        return j, done

    def _narrowed(self, i: int, j: int, pivot: int) -> tuple[int, int]:
        while i <= j and self.less(i, pivot):
            i += 1
        while i <= j and not self.less(j, pivot):
            j -= 1
        return i, j

    def _partition_equal(self, a: int, b: int, pivot: int) -> int:
        self.swap(a, pivot)
        i, j = a + 1, b - 1
        while True:
            while i <= j and not self.less(a, i):
                i += 1
            while i <= j and self.less(a, j):
                j -= 1
            if i > j:
                return i
            self.swap(i, j)
            i, j = i + 1, j - 1

    def _nearly_sorted(self, a: int, b: int) -> bool:
        i = a + 1
        for _ in range(_STEPS):
            while i < b and not self.less(i, i - 1):
                i += 1
            if i == b:
                return True
            if b - a < _SHIFTING:
                return False
            self.swap(i, i - 1)
            self._shift(a, b, i)
        return False

    def _shift(self, a: int, b: int, i: int) -> None:
        if i - a >= 2:
            for j in range(i - 1, 0, -1):
                if not self.less(j, j - 1):
                    break
                self.swap(j, j - 1)
        if b - i >= 2:
            for j in range(i + 1, b):
                if not self.less(j, j - 1):
                    break
                self.swap(j, j - 1)

    def _break_patterns(self, a: int, b: int) -> None:
        length = b - a
        random, modulus = length, 1 << length.bit_length()
        middle = a + length // 4 * 2 - 1
        for i in range(3):
            random ^= random << 13 & _WORD
            random ^= random >> 7
            random ^= random << 17 & _WORD
            other = random & (modulus - 1)
            self.swap(middle - 1 + i, a + (other - length if other >= length else other))

    def _pivot(self, a: int, b: int) -> tuple[int, bool | None]:
        """The pivot, and whether the items seem to rise (False: to fall; None: neither)."""
        quarter = (b - a) // 4
        i, j, k = a + quarter, a + quarter * 2, a + quarter * 3
        self._swaps = 0
        if b - a >= _NINTHER:
            i, j, k = (self._median(each - 1, each, each + 1) for each in (i, j, k))
        pivot = self._median(i, j, k)
        return pivot, True if self._swaps == 0 else False if self._swaps == _MOST_SWAPS else None

    def _median(self, a: int, b: int, c: int) -> int:
        a, b = self._ordered(a, b)
        b, c = self._ordered(b, c)
        a, b = self._ordered(a, b)
        return b

    def _ordered(self, a: int, b: int) -> tuple[int, int]:
        if self.less(b, a):
            self._swaps += 1
            return b, a
        return a, b
