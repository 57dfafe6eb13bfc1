"""Casting: which model speaks for each agent that has no function, found and checked before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mars_nb.errors import ModelUnavailable, RuleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from mars_nb.agents.agent import Agent
    from mars_nb.agents.providers import Speaker
    from mars_nb.events import Profile


def speaking(
    agents: Iterable[Agent], call: Any, profiles: Mapping[str, Profile], budget_usd: float | None
) -> dict[str, Speaker]:
    """Give the model of each agent for which one speaks.

    Parameters
    ----------
    agents : iterable of Agent
        Who is drawn.
    call : str, mapping, ModelConfig or None
        What the call names, for all of them.
    profiles : mapping of str to Profile
        Who spoke for them before, in a run that goes on; that model goes on, where nothing else is asked for.
    budget_usd : float or None
        A budget can be kept only if every price is known.

    Raises
    ------
    ModelUnavailable
        When a model could not answer, or nobody serves the one that the call names.
    RuleError
        When there is a budget and a price is not known.
    """
    asked = [each for each in agents if each.kind == "model"]
    if not asked:
        _check_known(call)
        return {}
    from mars_nb.agents.providers import check, chosen

    found = {each.name: chosen(_wanted(each, call, profiles.get(each.name)), each.model_config) for each in asked}
    for config in found.values():
        check(config)
        if budget_usd is not None:
            _check_price(config, budget_usd)
    return found


def _check_known(call: Any) -> None:
    """Refuse a model that nobody serves although nobody here would ask it: a misspelt name is not ignored."""
    if call is None:
        return
    from mars_nb.agents.models import ModelConfig
    from mars_nb.agents.providers import address, speaker

    config = speaker(call)
    if isinstance(config, ModelConfig):
        address(config)


def _wanted(agent: Agent, call: Any, before: Profile | None) -> Any:
    """Give what the call names, or what spoke before: a run is not handed to another model by going on elsewhere."""
    if call is not None or before is None:
        return call
    own = agent.model_config.name if agent.model_config else None
    if own is not None and (before.is_own or own == before.model):
        return None
    from mars_nb.agents.providers import chosen, label, place

    now = chosen(None, agent.model_config)
    if (label(now), place(now)) == (before.model, before.base_url):
        return None  # with its key, and all else that was said of it
    if before.base_url:
        raise ModelUnavailable(
            f"{before.model!r}, which spoke for {agent.name!r}, was asked at {before.base_url}; to go on, name it "
            f"again: model={{'name': {before.model!r}, 'base_url': {before.base_url!r}}}"
        )
    return before.model


def _check_price(config: Speaker, budget_usd: float) -> None:
    from mars_nb.agents.providers import has_price, label

    if not has_price(config):
        raise RuleError(
            f"'budget({budget_usd:g})' cannot be kept: the price of the model {label(config)!r} is not known; limit "
            "the run by max_tokens(...) instead, or take a model with a known price"
        )
