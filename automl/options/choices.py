"""The choices there are."""
# No `from __future__ import annotations`: the annotations below are read at run time.

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from functools import partial
from pathlib import Path
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Literal,
    Self,
    TypeAlias,
    get_args,
    get_origin,
)

from automl.errors import UsageError
from automl.options.option import Command, Option
from automl.policy import PRESETS, Policy
from automl.types import Reading, TextLayout
from automl.units import (
    HOUR,
    MINUTE,
    format_duration,
    format_latency,
    parse_duration,
    parse_latency,
    parse_size,
)

if TYPE_CHECKING:
    import pandas as pd

LEAST = 10.0
"""Seconds of the shortest fit: imports and the end take about half of them."""
CONTAMINATION = 0.1
"""Share of the rows flagged as anomalies unless asked otherwise: PyOD's default."""
TESTED = 3
"""Deep learners that a study tests unless asked for more, by choice: of five repeats Holm's first
step takes 3.96 standard errors among three, and 5.75 among eleven."""
MOST_STEPS = 100
"""Repeats or anchors of a study at most: a fit at each of them is days of work."""
MOST_SEED = 2 * 10 ** (10 - 1)
"""Seeds counted on from it, one for each fit, stay within LightGBM's 32 bits."""
Axis: TypeAlias = Literal[
    "rows",
    "labels",
    "label-noise",
    "missingness",
    "missing-by-value",
    "features",
    "noise-columns",
    "cardinality",
    "model-size",
    "budget",
    "workers",
]
Tuning: TypeAlias = Literal["default", "transferred", "retuned"]
USUAL_TUNING: tuple[Tuning, ...] = ("default", "transferred")
ONLY_TUNING: Mapping[str, Tuning] = {
    "budget": "retuned",
    "model-size": "default",
    "workers": "default",
}
"""Axis -> its regime, where only one makes sense."""
_SEPARATORS = {"tab": "\t", "\\t": "\t", "space": " ", "blank": " "}
"""Separators by their names, for shells that make typing them hard."""
_of_fit = partial(Option, commands=("fit",))
_of_study = partial(Option, commands=("scale",))


def _share(most: float, example: str) -> tuple[str, Callable[[float], bool]]:
    words = f"a share of the rows between 0 and {most:g}, such as {example}"
    return words, lambda share: 0 < share < most


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Every choice of a fit or a study, checked.

    Raises:
        UsageError: One of them cannot be, or two contradict each other.
    """

    task: Annotated[
        Literal["auto", "binary", "multiclass", "regression", "anomaly"],
        Option(
            "same",
            "What kind of problem it is.",
            scale={"kind": Literal["auto", "binary", "multiclass", "regression"]},
        ),
    ] = "auto"
    metric: Annotated[
        str | None,
        Option(
            "same",
            "What to optimise; see 'automl metrics'.",
            "NAME",
            usual="by task",
            scale={"help": "What is compared; see 'automl metrics'."},
        ),
    ] = None
    test: Annotated[
        "str | pd.DataFrame | None",
        _of_fit("same", "Locked rows: never trained on, only scored.", "FILE"),
    ] = None
    test_size: Annotated[
        float | None,
        _of_fit(
            "same", "Lock this share of the rows instead of --test.", "F", must=_share(1, "0.2")
        ),
    ] = None
    axis: Annotated[Axis, _of_study("same", "What grows.", again="always")] = "rows"
    regime: Annotated[
        tuple[Tuning, ...],
        _of_study(
            "at least",
            "How learners are tuned: default, transferred (once, on few rows), retuned (at every"
            " anchor); may be repeated.",
            "NAME",
            usual="the first two; retuned along budget, default along model-size and workers",
        ),
    ] = ()
    repeats: Annotated[
        int,
        _of_study(
            "at least",
            "Times that a fifth of the rows is held out anew.",
            "N",
            least=1,
            most=MOST_STEPS,
            again="always",
        ),
    ] = 5
    anchors: Annotated[
        int,
        _of_study(
            "same",
            "Values on the axis; rows: two an octave.",
            "N",
            least=2,
            most=MOST_STEPS,
            again="always",
        ),
    ] = 9
    tested: Annotated[
        int,
        _of_study(
            "same",
            "Learners of a family that have all repeats, those that validation puts first; the"
            " deep ones are tested, others described.",
            "N",
            least=1,
        ),
    ] = TESTED
    seconds: Annotated[
        float | None,
        Option(
            "as begun",
            "Budget of the whole command, such as 90s, 10m, 1h30m.",
            "TIME",
            parameter="time_limit",
            usual="5m; none where only --trials is given",
            again="always",
            parse=lambda limit: parse_duration(str(limit)),
            show=format_duration,
            must=("10 seconds or more, so that there is a model", lambda limit: limit >= LEAST),
            scale={"default": 1.0 * HOUR, "usual": "", "must": None},
        ),
    ] = 5.0 * MINUTE
    price_per_hour: Annotated[
        float | None,
        _of_study(
            "as begun",
            "Price of the machine, to say what the study costs.",
            "X",
            must=("an amount of money", lambda price: 0 <= price < math.inf),
        ),
    ] = None
    trials: Annotated[
        int | None,
        _of_fit(
            "as begun",
            "Configurations to start, over all learners; alone it makes a run reproducible.",
            "N",
            least=1,
        ),
    ] = None
    preset: Annotated[
        Literal["quick", "balanced", "best"],
        _of_fit("as begun", "How thorough to be within the budget."),
    ] = "balanced"
    allocate: Annotated[
        Literal["equal", "greedy"],
        _of_fit("as begun", "Equal time for every learner, or where it helps most."),
    ] = "greedy"
    infer_limit: Annotated[
        float | None,
        _of_fit(
            "as begun",
            "Time in which the model predicts a row, such as 50us or 1ms; members of the ensemble"
            " that it has no time for are left out.",
            "TIME",
            parse=lambda limit: parse_latency(str(limit)),
            show=format_latency,
        ),
    ] = None
    learner: Annotated[
        tuple[str, ...],
        Option("as begun", "Only this learner; may be repeated.", "NAME", usual="all"),
    ] = ()
    exclude: Annotated[
        tuple[str, ...],
        Option("as begun", "All but this learner; may be repeated.", "NAME"),
    ] = ()
    folds: Annotated[
        int | None,
        _of_fit(
            "same",
            "Folds of cross-validation.",
            "K",
            least=2,
            usual="5; 8 from 10,000 rows, 10 from 100,000",
        ),
    ] = None
    group: Annotated[
        str | None,
        Option("same", "Rows of one group are never split apart.", "COL"),
    ] = None
    time: Annotated[
        str | None,
        Option(
            "same",
            "Order in time: the last fifth validates.",
            "COL",
            scale={"help": "Order in time: the last fifth is held out."},
        ),
    ] = None
    weight: Annotated[
        str | None,
        _of_fit("same", "Rows count by this column, in fits and in scores.", "COL"),
    ] = None
    drop: Annotated[
        tuple[str, ...],
        Option("same", "Leave this column out; may be repeated.", "COL"),
    ] = ()
    ids: Annotated[
        tuple[str, ...],
        Option(
            "same", "A column that only names the rows; may be repeated.", "COL", parameter="id"
        ),
    ] = ()
    positive: Annotated[
        str | None,
        Option(
            "same",
            "The positive class of a binary target.",
            "LABEL",
            usual="yes, true, malignant, ...; else the last in order",
        ),
    ] = None
    encoding: Annotated[
        str | None,
        Option(
            "same",
            "Encoding of a text file, such as utf-8 or cp1252.",
            "NAME",
            usual="by its bytes",
        ),
    ] = None
    sep: Annotated[
        str | None,
        Option("same", "Separator of a text file, such as ; or tab.", "CHAR", usual="by its lines"),
    ] = None
    decimal: Annotated[
        Literal[",", "."] | None,
        Option(
            "same",
            "Decimal mark of a text file, a comma or a point.",
            "CHAR",
            usual="by its numbers",
        ),
    ] = None
    no_header: Annotated[
        bool,
        Option("same", "The first line of a text file is a row, not the names of the columns."),
    ] = False
    image: Annotated[
        str | None,
        Option(
            "same",
            "Size of images such as 28x28 or 32x32x3, which columns of pixels are taken for and "
            "files are brought to; no for none.",
            "SIZE",
            usual="by the files, or by the columns",
        ),
    ] = None
    contamination: Annotated[
        float | None,
        _of_fit(
            "same",
            "Share of rows to flag, with --task anomaly.",
            "F",
            usual=f"{CONTAMINATION:g}",
            must=_share(0.5, "0.1"),
        ),
    ] = None
    cpus: Annotated[
        int | None,
        Option("anew", "CPUs to use.", "N", least=1, usual="all allowed"),
    ] = None
    gpus: Annotated[
        int | None,
        Option("anew", "GPUs to use.", "N", least=0, usual="all seen"),
    ] = None
    memory: Annotated[
        int | None,
        Option(
            "anew",
            "Memory to use, such as 8GB.",
            "SIZE",
            usual="all allowed",
            parse=lambda size: parse_size(size if isinstance(size, str) else f"{size}B"),
            show="{}B".format,
        ),
    ] = None
    address: Annotated[
        str | None,
        Option("anew", "A Ray cluster that runs already.", "ADDR"),
    ] = None
    seed: Annotated[
        int,
        Option("same", "Fixes all that is random.", "N", least=0, most=MOST_SEED, again="always"),
    ] = 0
    output: Annotated[
        Path | None,
        Option(
            "anew",
            "Folder for the run; never overwritten.",
            "DIR",
            short="-o",
            usual="automl-runs/<file>-<n>",
            again="never",
            scale={"help": "Folder for the study; never overwritten."},
        ),
    ] = None
    resume: Annotated[
        bool,
        Option(
            "anew",
            "Go on with an earlier run.",
            again="never",
            scale={"help": "Go on with an earlier study."},
        ),
    ] = False
    on_error: Annotated[
        Literal["skip", "raise"],
        _of_fit("anew", "Note a failed fit and go on, or stop the command."),
    ] = "skip"
    policy: Policy | None = None
    """Policy of spending the seconds of a fit; None takes the preset's."""
    began: float | None = None
    """`time.monotonic()` when the command began; the budget counts from there."""
    left_out: frozenset[str] | None = field(default=None, compare=False)
    """Names of the choices that nobody made; None takes those at their default for such."""

    def __post_init__(self) -> None:
        for option in OPTIONS:
            option.check(getattr(self, option.name))
        if len(self.reading.layout.separator) > 1:
            msg = f"--sep takes one character, tab or space, not {self.sep!r}"
            raise UsageError(msg)
        policy: object = self.policy
        if not isinstance(policy, Policy | None):
            msg = f"policy is an automl.Policy, not {self.policy!r}"
            raise UsageError(msg)
        if self.test is not None and self.test_size is not None:
            msg = "--test and --test-size both lock rows and exclude each other: give one"
            raise UsageError(msg)
        only = ONLY_TUNING.get(self.axis)
        if only and self.regime not in {(), (only,)}:
            msg = f"along {self.axis} there is one regime: leave --regime out, or say {only}"
            raise UsageError(msg)

    @classmethod
    def parse(cls, given: Mapping[str, Any]) -> Self:
        """Read what people write.

        Args:
            given: Names of fields -> what was given for them.

        Raises:
            UsageError: Something cannot be read, cannot be, or contradicts something else.
        """
        read = {o.name: o.read(given[o.name]) for o in OPTIONS if o.name in given}
        return cls(**{**given, **read})

    @property
    def regimes(self) -> tuple[Tuning, ...]:
        """Regimes of a study: those asked for, or those usual along its axis."""
        only = ONLY_TUNING.get(self.axis)
        asked = self.regime or ((only,) if only else USUAL_TUNING)
        return tuple(regime for regime in get_args(Tuning) if regime in asked)

    @property
    def timed(self) -> bool:
        """True if a study is about the seconds of a fit: they run one at a time on all CPUs."""
        return self.axis == "workers"

    @property
    def reading(self) -> Reading:
        """The layout of the training file, as far as it was asked for."""
        layout = TextLayout(
            encoding=self.encoding or "",
            separator=_SEPARATORS.get(self.sep or "", self.sep or ""),
            decimal=self.decimal or "",
            header=not self.no_header,
        )
        return Reading(layout)

    @property
    def arguments(self) -> dict[str, Any]:
        """The choices of a fit as `run.json` keeps them; those of a study stand under `study`."""
        studied = {option.name for option in OPTIONS if "fit" not in option.commands}
        kept = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in studied}
        test = self.test if isinstance(self.test, str) else None
        policy = None if self.policy is None else asdict(self.policy)
        return kept | {"test": test, "policy": policy, "began": None, "left_out": None}

    @property
    def spending(self) -> Policy:
        """Policy by which the seconds of a fit are spent."""
        return self.policy or PRESETS[self.preset]


def _declared() -> Iterator[Option]:
    for one in fields(Options):
        if get_origin(one.type) is Annotated:
            kind, option = get_args(one.type)
            yield replace(
                option,
                name=one.name,
                parameter=option.parameter or one.name,
                kind=get_args(kind)[0] if isinstance(kind, UnionType) else kind,
                default=one.default,
            )


OPTIONS = tuple(_declared())
"""The choices in the order of `--help`."""


def options_of(command: Command) -> tuple[Option, ...]:
    """The choices that a command has."""
    return tuple(option.of(command) for option in OPTIONS if command in option.commands)


def choices_of(arguments: Mapping[str, Any], study: Mapping[str, Any]) -> dict[str, Any]:
    """The choices that a run was begun with.

    Args:
        arguments: Those of its `run.json`.
        study: The plan there, empty for a fit.
    """
    return {**arguments, **study, "regime": study.get("regimes", ())}
