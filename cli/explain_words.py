"""What became of an update, in words."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from cli.amounts import say
from cli.contributed import CONTRIBUTION
from cli.dispute_words import say_penalty, say_seats, say_time

if TYPE_CHECKING:
    from node.explanation import Candidate, Explanation, Pay
    from node.rule.contribution import Value
    from node.rule.treatment import Treatment, Vouching

Line = tuple[str, str]
BPS_PER_PERCENT = 100
FACTOR_ONE = 2**16


def print_explanation(told: "Explanation", update_bits: int, preparation: Sequence[str]) -> None:
    """Say it, a line each. `preparation`: what only the peer's own folder knows."""
    lines = [
        ("round " + str(told.round), _say_outcome(told)),
        ("seat " + str(told.seat), _say_fate(told)),
        *(("", words) for words in preparation),
        *_say_claim(told),
        *_say_rule(told, 2**update_bits),
        *_say_value(told),
        *_say_pay(told),
        *_say_vote(told),
        *_say_units(told, update_bits),
    ]
    for name, words in lines:
        typer.echo(f"{name:<14} {words}")


def _say_outcome(told: "Explanation") -> str:
    committed = f"{_count(len(told.committed), 'update')} committed"
    if told.outcome == "passed over":
        return "never took place: its number was passed over when a result became void"
    if told.outcome == "open":
        return f"goes on; {committed}{_say_leading(told)}"
    if told.outcome == "lapsed":
        if len(told.committed) < told.min_updates:
            return f"lapsed: {committed}, expected at least {told.min_updates}"
        return f"lapsed: {committed}{_say_leading(told)}; 66.7 % is needed"
    assert told.agreed is not None, "a result that was agreed on was proposed"
    made = f"made of {len(told.agreed.included)} of {_count(len(told.committed), 'update')}"
    voted = f"approved by {say_seats(told.agreed.voters)}: {_percent(told.agreed.stake_bps)}"
    agreed = f"agreed as height {told.height}, {made}, {voted} of the stake"
    return agreed if told.outcome == "agreed" else f"{agreed}; void by now{_say_why_void(told)}"


def _say_leading(told: "Explanation") -> str:
    if not told.candidates:
        return ", nothing proposed"
    leading = max(told.candidates, key=lambda each: each.stake_bps)
    return f", {_percent(leading.stake_bps)} of the stake behind the leading result"


def _say_why_void(told: "Explanation") -> str:
    story = told.story
    if story is None:
        return ""
    if story.refuted is not None:
        why = f": refuted at coordinate {story.refuted.coordinate}"
    elif story.voided_by == told.round:
        why = ": what it was made of was asked for and not shown"
    else:
        why = f", as round {story.voided_by} below it is"
    return why + "".join(f"; {say_penalty(penalty)}" for penalty in story.penalties)


def _say_fate(told: "Explanation") -> str:
    match told.fate:
        case "absent":
            since = f" (round {told.until})" if told.until else ""
            return f"did not count in this round: {told.absence}{since}"
        case "silent":
            return "committed no update" + (" so far" if told.outcome == "open" else "")
        case "astray":
            return "committed on another result, which did not become the head"
        case "committed":
            if told.outcome == "open":
                return "committed an update; nothing is agreed on yet"
            return "committed an update; nothing was agreed that it could be in"
        case "left_out":
            return f"left out: {_say_left_out(told)}"
        case "weightless":
            return "included, and the rule gave it no weight"
    assert told.coefficient is not None, "it was included"
    return f"included, with {_part(told.coefficient.weight, told.weights)} of the result's weight"


def _say_left_out(told: "Explanation") -> str:
    """Say what the record shows: who proposes includes all updates that it holds."""
    assert told.agreed is not None, "it was left out of something"
    others = [each for each in told.candidates if told.seat in each.included]
    words = (
        f"committed in time; seat {told.agreed.proposer} proposed without it what "
        f"{say_seats(told.agreed.voters)} approved, as a peer does that has not got an update"
    )
    if not others:
        return words + "; nobody proposed a result with it, so perhaps nobody got it"
    best = max(others, key=lambda each: each.stake_bps)
    return words + f"; with it seat {best.proposer} proposed, for {_percent(best.stake_bps)}"


def _say_claim(told: "Explanation") -> Iterator[Line]:
    if told.commitment is None:
        return
    # Zero is what a claim has for steps that nobody counted.
    steps = (
        f"{told.commitment.steps} steps of training"
        if told.commitment.steps
        else "steps of training not counted"
    )
    words = f"{told.commitment.samples} samples, {steps}, as its learner says"
    cap = None if told.standing is None else told.standing.samples_cap
    if cap is not None and told.commitment.samples > cap:
        words += f"; counted as {cap}, four times the median claim"
    yield "claims", words


def _say_rule(told: "Explanation", unit: int) -> Iterator[Line]:
    if told.coefficient is None or told.standing is None:
        return
    standing, treatment = told.standing, told.treatment
    if treatment is None:
        if told.coefficient.clip < FACTOR_ONE:
            yield "length", f"clipped to {told.coefficient.clip / FACTOR_ONE:.2f} of it"
    else:
        yield "length", _say_length(told, treatment, unit)
    if standing.own == 0:
        yield "weight", "none to begin with: less than a 4096th of the stake"
    elif treatment is not None:
        yield from _say_selection(told, treatment, unit)
    if treatment is not None and treatment.trimmed is not None and told.coefficient.weight:
        share = _part(treatment.trimmed, treatment.coordinates)
        of = f"{treatment.trimmed:,} of {treatment.coordinates:,} coordinates ({share})"
        yield "trimmed", f"in {of}: there others were higher or lower by so much weight"
    if treatment is not None and not treatment.is_as_ruled:
        yield "wrong", "what was agreed on is not what the rule gives for these updates"


def _say_length(told: "Explanation", treatment: "Treatment", unit: int) -> str:
    assert told.coefficient is not None, "it was included"
    words = f"{_length(treatment.norm, unit)}; the median is {_length(treatment.median_norm, unit)}"
    if treatment.limit is None:
        return f"{words}; the rule has no clip"
    is_median = treatment.limit == 2 * treatment.median_norm
    limit = f"{'twice the median' if is_median else 'the clip'}, {_length(treatment.limit, unit)}"
    if told.coefficient.clip == FACTOR_ONE:
        return f"{words}; not clipped: that begins at {limit}"
    part = told.coefficient.clip / FACTOR_ONE
    return f"{words}; clipped to {part:.2f} of it: none may be longer than {limit}"


def _say_selection(told: "Explanation", treatment: "Treatment", unit: int) -> Iterator[Line]:
    if treatment.vouching is not None:
        yield "vouched for", _say_vouching(treatment.vouching)
    if treatment.scoring is not None:
        scoring = treatment.scoring
        verb = "selected" if scoring.rank <= scoring.chosen else "not selected"
        yield (
            "selection",
            f"{verb}: place {scoring.rank} of {scoring.members} by its distance to its nearest, "
            f"of which {scoring.chosen} are taken",
        )
    if (treatment.vouching or treatment.scoring) and treatment.distances:
        ordered = sorted(treatment.distances.items(), key=lambda pair: (pair[1], pair[0]))
        said = ", ".join(f"seat {seat} {distance:,}" for seat, distance in ordered)
        yield "distances", f"in units, clipped as they were: {said}"


def _say_vouching(vouching: "Vouching") -> str:
    by = f"by itself and {say_seats(vouching.by)}" if vouching.by else "by nobody but itself"
    part = f"{_part(vouching.weight, vouching.total)} of the weight"
    needed = f"more than {_part(vouching.needed, vouching.total)} is needed"
    if vouching.weight > vouching.needed:
        return f"{by}: {part}; {needed}"
    return f"{by}: {part}, and {needed}; each seat vouches for those nearest to it"


def _say_value(told: "Explanation") -> Iterator[Line]:
    if told.fate not in ("weightless", "credited") or told.outcome != "agreed":
        return
    if told.height == told.newest_height:
        yield "contribution", "not yet: it is measured by what is agreed next"
    elif told.value is not None:
        yield "contribution", f"{told.value.amount:.3g}{_say_merit(told.fate, told.value)}"


def _say_merit(fate: str, value: "Value") -> str:
    if fate == "weightless":
        return ": it has no weight in the result"
    if value.gain < 0:
        return ": it did harm; without it the model would be nearer to what peers want next"
    if value.merit.is_against:
        return ": it pulls against what was agreed next"
    part = value.merit.new / value.merit.of if value.merit.of else 1.0
    if value.amount == 0 and part == 1:
        return ": it changed nothing"
    if part < 0.5:
        kept = _part(value.merit.new, value.merit.of)
        return f": {kept} of its gain, since it repeats the step that was agreed before"
    return ": it brought the model nearer to what peers want next"


def _say_pay(told: "Explanation") -> Iterator[Line]:
    if told.outcome == "void":
        yield "paid", "nothing: the result is void"
    if told.outcome == "agreed" and not told.has_rewards:
        yield "paid", "nothing: this federation pays no rewards"
    elif told.pay is not None:
        yield "paid", _say_state(told, told.pay)
    elif told.outcome == "agreed":
        yield "paid", "nothing: it is not in the result"


def _say_state(told: "Explanation", pay: "Pay") -> str:
    if pay.state is None:
        return "nothing: only who has a weight in a result has a share of what it earned"
    if not pay.share_wei:
        return "nothing: the result has earned nothing, as the pool was empty"
    share = f"a share of {say(pay.share_wei)}"
    ends = None if told.story is None else told.story.window_ends_at
    by = "" if ends is None else f", from {say_time(ends)} if nothing is disputed"
    match pay.state:
        case "unvoted":
            return f"not yet: {share} is the seat's once it approves the result"
        case "forgone":
            return f"nothing: it did not approve the result, so {share} went back to the pool"
        case "reserved":
            return f"not yet: {share} can be claimed once this height is settled{by}"
        case "claimable":
            return f"not yet: {share} can be claimed (holdfast peer claim)"
        case "claimed":
            return share
    return f"nothing: {share} was lost, since the seat went without a claim"


def _say_vote(told: "Explanation") -> Iterator[Line]:
    voted = [each for each in told.candidates if told.seat in each.voters]
    if not told.candidates or told.fate == "absent":
        return
    if not voted:
        yield "voted", "for nothing"
    elif told.agreed is None:
        yield "voted", f"for {', '.join(map(_name, voted))}"
    elif told.agreed in voted:
        yield "voted", "for the result that was agreed on"
    else:
        yield "voted", f"for another result: {', '.join(map(_name, voted))}"


def _say_units(told: "Explanation", update_bits: int) -> Iterator[Line]:
    """Say what the figures are counted in, where some were told."""
    if told.treatment is not None:
        yield "note", f"a unit is 2^-{update_bits}: an update's numbers are whole multiples of it"
    if told.value is not None:
        yield "note", f"a contribution is {CONTRIBUTION}"


def _name(candidate: "Candidate") -> str:
    seats = ", ".join(map(str, candidate.included))
    return f"0x{candidate.key.hex()[:10]}… of seats {seats} ({_percent(candidate.stake_bps)})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _percent(bps: int) -> str:
    return f"{bps / BPS_PER_PERCENT:.1f} %"


def _part(some: int, whole: int) -> str:
    return f"{100 * some / whole:.1f} %"


def _length(units: int, unit: int) -> str:
    return f"{units / unit:.4g} ({units:,} units)"
