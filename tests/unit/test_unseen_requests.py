"""Requests that nothing was adapted to: what the README says of them is so."""

import re
from collections import Counter
from pathlib import Path

from benchmarks.notebook_prompts import UnseenRequest, load, raised, unseen
from benchmarks.routing_scorers import rule_class, tiers
from costroute_nb.artifact import read_model
from costroute_nb.training.kinds import other_requests

README = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
SAID = " ".join(README.split())
REQUESTS = unseen()


def letters(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", text.casefold()))


def test_each_is_its_own_and_of_one_of_two_kinds() -> None:
    assert len({each.id for each in REQUESTS}) == len(REQUESTS)
    assert len({letters(each.prompt) for each in REQUESTS}) == len(REQUESTS)
    assert Counter(each.high_stakes for each in REQUESTS) == {True: 320, False: 694}


def test_nothing_that_is_taught_is_measured_on() -> None:
    taught = {letters(text) for text in other_requests()}
    assert len(taught) == len(other_requests())
    assert taught.isdisjoint(letters(each.prompt) for each in load())
    of_taught = [words(text) for text in other_requests()]
    for each in REQUESTS:
        own = words(each.prompt)
        near = max(len(own & other) / len(own | other) for other in of_taught)
        assert near <= 0.6, each.prompt


def test_the_readme_says_which_tiers_they_get() -> None:
    tier = tiers()["both"]
    found = raised(tier, REQUESTS)
    of_high = Counter(tier(each.prompt) for each in REQUESTS if each.high_stakes)
    assert (
        f"of {found['high']} such requests {found['high_large']} get the large tier, "
        f"{of_high['medium']} the medium one and {of_high['small']} the small one. Of "
        f"{found['low']} other requests {found['low_large']} get the large tier, too, "
        f"{raised(tiers()['our rules'], REQUESTS)['low_large']} of them by rules."
        in SAID
    )


def test_the_readme_says_how_seldom_the_classifier_claims_what_is_none_of_its() -> None:
    estimate = read_model().estimate
    unmatched, own = (
        [text for text in texts if rule_class(text).rule is None]
        for texts in ([r.prompt for r in REQUESTS], [p.prompt for p in load()])
    )
    claimed, of_own = (
        sum(estimate(text).known_domain for text in texts) for texts in (unmatched, own)
    )
    assert (
        f"which {len(other_requests()):,} requests as notebook users make them are none of "
        f"its: of {len(unmatched)} others that no rule matches, from the same language "
        f"model in other roles, it claims {claimed}, and of this project's own notebook "
        f"prompts {of_own} of {len(own)}." in SAID
    )
    assert claimed < 0.02 * len(unmatched)


def test_counting_tells_high_from_low() -> None:
    high = UnseenRequest("a", "x", True)
    low = UnseenRequest("b", "y", False)
    found = raised(lambda text: "large" if text == "x" else "medium", [high, low, low])
    assert found == {"high": 1, "high_large": 1, "low": 2, "low_large": 0}
