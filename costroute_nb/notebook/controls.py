"""The controls of one limit, and how they look; what they do is the panel's."""

import html
import math
from functools import cache
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from costroute_nb.notebook import words

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from costroute_nb.budget import Standing
    from costroute_nb.core.budget import LimitName, Limits

# Powers of ten of USD between which a slider moves; the box beside it takes any amount.
_RANGES: "dict[LimitName, tuple[int, int]]" = {
    "call": (-4, 1), "session": (-3, 2), "day": (-3, 3), "month": (-3, 4),
}  # fmt: skip
_TURNED_ON: "dict[LimitName, float]" = {
    "call": 1.0, "session": 10.0, "day": 5.0, "month": 80.0,
}  # fmt: skip
_STEPS = 10
# What ten equal steps of a logarithmic scale are, as a person would write them.
_ROUND = (1.0, 1.25, 1.6, 2.0, 2.5, 3.2, 4.0, 5.0, 6.3, 8.0)
_MOST = 9_000_000.0


@cache
def guarded(kind: type) -> Any:
    """Return a kind of widget that takes a page's values inside its `guard`, in order.

    `guard` is set on each of them: a function that returns a context manager. Pages
    number what they send (`stamp`): a kernel may hand a value that waited for the end
    of a cell to one thread after another thread has had the next value.
    """

    class Guarded(kind):
        guard: "Callable[[], AbstractContextManager[object]]"

        def __init__(self, **values: Any) -> None:
            super().__init__(**values)
            self._last: tuple[str, int] = ("", 0)

        def set_state(self, sync_data: Any) -> None:
            values = dict(sync_data)
            page, number = values.pop("stamp", ("", 0))
            with self.guard():
                if page and page == self._last[0] and number <= self._last[1]:
                    return
                self._last = (page, number)
                super().set_state(values)

    Guarded.__name__ = kind.__name__  # what a widget calls itself in a notebook
    return Guarded


class LimitRow:
    """One limit: whether it is on, a slider and a box for its amount, and a bar.

    Parameters
    ----------
    name
        Which limit.
    """

    def __init__(self, name: "LimitName") -> None:
        self.name = name
        low, high = _RANGES[name]
        self.on = guarded(widgets.Checkbox)(
            value=True,
            description=f"{name} limit",
            indent=False,
            layout={"width": "112px", "flex": "0 0 auto"},
        )
        self.slider = guarded(widgets.FloatLogSlider)(
            value=_TURNED_ON[name],
            min=low,
            max=high,
            step=1 / _STEPS,
            description=f"{name} limit slider, USD",
            readout=False,
            readout_format="$.3r",
            continuous_update=False,  # a slider on its way is no decision yet
            layout={"width": "230px", "flex": "0 1 auto"},
        )
        self.box = guarded(widgets.BoundedFloatText)(
            value=_TURNED_ON[name],
            min=0.0,
            max=_MOST,
            description=f"{name} limit, USD",
            layout={"width": "110px", "flex": "0 0 auto"},
        )
        self.bar = widgets.HTML(
            layout={"flex": "1 1 260px", "margin": "2px 0 2px 14px"}
        )
        for unseen in (self.slider, self.box):
            unseen.add_class("costroute-unseen")
        self.box.add_class("costroute-usd")
        self.widget = widgets.HBox(
            [self.on, self.slider, self.box, self.bar],
            layout={"flex_flow": "row wrap", "align_items": "center"},
        )
        self.widget.add_class("costroute-row")

    @property
    def controls(self) -> tuple[Any, ...]:
        """What a person may move."""
        return self.on, self.slider, self.box

    def take(self, usd: float | None) -> None:
        """Move the controls to an amount of USD, None to off."""
        self.on.value = usd is not None
        self.slider.disabled = self.box.disabled = usd is None
        if usd is None:
            return
        if usd > 0:
            power = math.log10(usd)
            self.slider.max = max(self.slider.max, math.ceil(power))
            self.slider.min = min(self.slider.min, math.floor(power))
        # Writing a step's round amount back would take a slider from under the keys
        # that are still moving it.
        if snapped(self.slider.value) != usd:
            self.slider.value = max(usd, 10**self.slider.min)
        self.box.value = usd

    def amount(self, on: bool) -> float | None:
        """Return the limit that the checkbox asks for, in USD."""
        return float(self.box.value) if on else None

    def show(self, standing: "Standing", limits: "Limits") -> None:
        """Show how the limit stands, as words and as a bar."""
        self.bar.value = _bar(self.name, standing, limits)


def snapped(usd: float) -> float:
    """Return the round amount a slider's step stands for; any other amount as it is."""
    if usd <= 0:
        return usd
    steps = math.log10(usd) * _STEPS
    nearest = round(steps)
    if abs(steps - nearest) > 1e-6:
        return usd
    decade, step = divmod(nearest, _STEPS)
    return float(f"{_ROUND[step]}e{decade}")


def _bar(name: "LimitName", standing: "Standing", limits: "Limits") -> str:
    said = html.escape(words.standing_words(name, standing, limits))
    if name == "call" or standing.limit is None:
        return f'<span class="costroute-bar">{said}</span>'
    share = words.share_of(standing)
    spent = min(1.0, standing.spent / standing.limit) if standing.limit else 1.0
    held = min(1.0, share) - spent
    near = "near" if share >= limits.alert_at else "fine"
    level = "over" if words.is_spent(standing) else near
    return (
        f'<span class="costroute-bar costroute-{level}">'
        f'<span class="costroute-track" role="progressbar" aria-label="{name} limit used" '
        f'aria-valuemin="0" aria-valuemax="100" aria-valuenow="{min(100, share * 100):.0f}" '
        f'aria-valuetext="{said}">'
        f'<i style="width:{spent * 100:.1f}%"></i><i style="width:{held * 100:.1f}%"></i>'
        f"</span>{said}</span>"
    )
