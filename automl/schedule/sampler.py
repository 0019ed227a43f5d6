"""Configurations of one learner: its portfolio first, then Optuna's TPE."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, Literal

from automl.space import Choice, Dimension, Float, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from automl.types import Config, Learner


class Sampler:
    """Samples a learner's configurations and learns from what became of them.

    TPE (Bergstra et al. 2011) ranks configurations that climbed to the top before those
    stopped lower, and those by the rung they reached: the intermediate values of pruned
    trials, as Optuna's sampler does by itself.
    """

    def __init__(self, learner: Learner, seed: int, *, greater_is_better: bool) -> None:
        self._learner = learner
        self._seed = seed
        self._direction: Literal["maximize", "minimize"] = (
            "maximize" if greater_is_better else "minimize"
        )
        self._portfolio = [dict(config) for config in learner.defaults]
        self._tried: list[dict[str, Value]] = []
        self._climbed: dict[int, dict[int, float]] = {}
        self._done: set[int] = set()

    @property
    def in_portfolio(self) -> bool:
        """True if the next configuration is still one of the declared defaults."""
        return any(config not in self._tried for config in self._portfolio)

    @property
    def exhausted(self) -> bool:
        """True if there is nothing new to try: no space beyond the portfolio."""
        return not self.in_portfolio and not self._learner.space

    def next(self) -> Config:
        """The next configuration to start."""
        untried = [config for config in self._portfolio if config not in self._tried]
        config = untried[0] if untried else self._ask()
        self._tried.append(config)
        return config

    def repeat(self, config: Config) -> None:
        """Count a configuration as tried once more, or in an earlier session."""
        self._tried.append(dict(config))

    def tell(self, number: int, rung: int, score: float, *, top: bool) -> None:
        """Record the score of configuration `number` on a rung; `top`: it climbs no further."""
        self._climbed.setdefault(number, {})[rung] = score
        if top:
            self._done.add(number)

    def _ask(self) -> dict[str, Value]:
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            sampler = optuna.samplers.TPESampler(
                seed=self._seed + len(self._tried), multivariate=True, n_startup_trials=8
            )
        study = optuna.create_study(direction=self._direction, sampler=sampler)
        space = {name: _distribution(dim) for name, dim in self._learner.space.items()}
        for number, config in enumerate(self._tried):
            if number in self._climbed and (params := _within(config, space)):
                study.add_trial(self._frozen(number, params, space))
        asked = study.ask(space)
        fixed = {k: v for k, v in self._portfolio[0].items() if k not in space}
        return fixed | asked.params

    def _frozen(self, number: int, params: dict[str, Value], space: dict[str, Any]) -> Any:
        import optuna

        rungs = self._climbed[number]
        states = optuna.trial.TrialState
        return optuna.trial.create_trial(
            params=params,
            distributions={name: space[name] for name in params},
            value=rungs[max(rungs)] if number in self._done else None,
            intermediate_values=rungs,
            state=states.COMPLETE if number in self._done else states.PRUNED,
        )


def _distribution(dim: Dimension) -> Any:
    from optuna.distributions import (
        CategoricalDistribution,
        FloatDistribution,
        IntDistribution,
    )

    if isinstance(dim, Choice):
        return CategoricalDistribution(dim.options)
    if isinstance(dim, Float):
        return FloatDistribution(dim.low, dim.high, log=dim.log)
    return IntDistribution(dim.low, dim.high, log=dim.log)


def _within(config: Mapping[str, Value], space: Mapping[str, Any]) -> dict[str, Value]:
    """The searched settings of a configuration; a portfolio's may lie outside the space."""
    return {
        name: value
        for name, value in config.items()
        if name in space and _contains(space[name], value)
    }


def _contains(distribution: Any, value: Value) -> bool:
    from optuna.distributions import CategoricalDistribution

    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return bool(distribution.low <= value <= distribution.high)
