"""A net as a model of the host: everything but the architecture."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol, cast

import numpy as np
import torch
from torch import nn

from automl_torch import files, loop
from automl_torch.data import TABLE, TargetScale
from automl_torch.nets import Dropout
from automl_torch.optimiser import linear_decay
from automl_torch.schedules import constant, one_cycle, scaled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from automl import Array, Config, Run, View
    from automl import Task as TaskName
    from automl_torch.data import Entrance, Inputs, Layout
    from automl_torch.optimiser import Group
    from automl_torch.schedules import Schedule

    Architecture = Callable[[Config, Layout, int], nn.Module]
    """(configuration, inputs, number of outputs) -> an untrained net on the CPU, a `Net`."""
    Prepare = Callable[[nn.Module, "Material", Config, Run], "Material"]

CHUNK_CELLS = 1 << 23
"""Numbers in the widest activation of the rows that a prediction handles at once."""
BATCH_CELLS = 1 << 24
"""Numbers in the widest activation of a training batch."""
SAMPLE, SAMPLE_CELLS = 1 << 13, 1 << 22
"""Most rows, and numbers in them, that a net is fitted to the scale of."""
BATCHES = ((2_800, 32), (6_400, 64), (12_000, 128), (None, 256))
"""(rows, batch size): up to that many rows. On a CPU 1024 rows cost three times as much as 256
and teach little more: of 225,000 rows trained for 8 s, 256 left an RMSE 15% lower."""


class Net(Protocol):
    """An architecture: a `torch.nn.Module` and how it is trained.

    It takes `Inputs` of n rows and answers (n, outputs), or (n, k, outputs) from k members
    that train on their own and whose predictions are averaged.
    """

    cells: int
    """Numbers that the widest activation of one row holds."""

    def measure(self, rows: Inputs) -> None:
        """Fit what depends on the scale of the inputs; called once, on the CPU."""
        ...


@dataclass(frozen=True, slots=True)
class Material:
    """The data that a net learns from."""

    rows: Inputs
    target: torch.Tensor
    """(n,) int64 codes or (n, 1) float32 scaled values."""
    unlabelled: Inputs | None = None
    """Rows without a target."""
    weights: torch.Tensor | None = None
    """(n,) float32: how much each row counts; None where all count alike."""

    def everything(self) -> Inputs:
        """All rows, those without a target last."""
        return self.rows if self.unlabelled is None else self.rows.joined(self.unlabelled)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """An architecture and how it trains where the configuration does not say."""

    architecture: Architecture
    prepare: Prepare | None = None
    """Step before the training proper: it trains the net without the target, or adds
    rows, and answers what to train on."""
    epochs: int = 60
    rate: float = 4e-3
    decay: float = 0.2
    smoothing: float = 0.0
    """Label smoothing."""
    batches: Sequence[tuple[int | None, int]] = BATCHES
    rate_schedule: Schedule = one_cycle
    decay_schedule: Schedule = constant
    dropout_schedule: Schedule = constant
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0
    groups: Callable[[nn.Module], Sequence[Group]] = linear_decay
    entrance: Entrance = TABLE


class NetModel:
    """A recipe that fits, predicts, saves and loads as the host asks.

    Reads from the configuration: `epochs`, `batch_size` (0: by rows), `learning_rate`,
    `weight_decay`, `smoothing`; the rest belongs to the architecture.
    """

    def __init__(self, recipe: Recipe, config: Config, task: TaskName, n_classes: int) -> None:
        self._recipe = recipe
        self._config = dict(config)
        self._task = task
        self._outputs = 1 if task == "regression" else max(n_classes, 2)
        self._layout: Layout | None = None
        self._scale: TargetScale | None = None
        self._net: nn.Module | None = None
        self._device = "cpu"

    def fit(self, train: View, stop: View | None, run: Run) -> None:
        """Train until the plan, the deadline or the host ends it; keeps the best epoch."""
        self._device = run.device
        self._layout = self._recipe.entrance.layout(train.X)
        with loop.settings(run.seed, run.threads, run.device):
            net = self._net = self._recipe.architecture(self._config, self._layout, self._outputs)
            with torch.no_grad():
                cast("Net", net).measure(self._inputs(sample(train).X, "cpu"))
            net.to(run.device)
            material = self._material(train, run)
            work = loop.Task(
                rows=len(material.target),
                device=material.target.device,
                loss=self._loss(net, material),
                groups=self._recipe.groups(net),
                evaluate=None if stop is None else self._evaluator(stop),
                advance=self._advance(net),
            )
            plan = plan_of(self._recipe, self._config, work.rows, cast("Net", net).cells)
            loop.train(net, work, plan, run)
            for part in net.modules():
                if isinstance(part, Dropout):
                    part.forget()

    def _material(self, train: View, run: Run) -> Material:
        """The rows on the device, prepared as the recipe says."""
        net = cast("nn.Module", self._net)
        prepare, more = self._recipe.prepare, train.unlabelled
        material = Material(
            self._inputs(train.X, run.device),
            self._target(train).to(run.device),
            None if more is None or prepare is None else self._inputs(more, run.device),
            None if train.weights is None else _column(train.weights, run.device),
        )
        return prepare(net, material, self._config, run) if prepare else material

    def _loss(self, net: nn.Module, material: Material) -> Callable[[torch.Tensor], torch.Tensor]:
        settings: dict[str, Any] = self._config
        rows, target, weights = material.rows, material.target, material.weights
        smoothing = float(settings.get("smoothing", self._recipe.smoothing))

        def loss(batch: torch.Tensor) -> torch.Tensor:
            with precision(self._device):
                output: torch.Tensor = net(rows.take(batch))
            truth = target.index_select(0, batch)
            share = None if weights is None else weights.index_select(0, batch)
            if output.ndim == 3:
                truth = truth.repeat_interleave(output.shape[1], 0)
                share = None if share is None else share.repeat_interleave(output.shape[1], 0)
                output = output.flatten(0, 1)
            how = "mean" if share is None else "none"
            if self._scale:
                losses = nn.functional.mse_loss(output.float(), truth, reduction=how)
            else:
                losses = nn.functional.cross_entropy(
                    output.float(), truth, label_smoothing=smoothing, reduction=how
                )
            return losses if share is None else (losses.flatten() * share).mean()

        return loss

    def _advance(self, net: nn.Module) -> Callable[[float], None] | None:
        schedule = self._recipe.dropout_schedule
        parts = [part for part in net.modules() if isinstance(part, Dropout)]
        if schedule is constant or not parts:
            return None

        def advance(progress: float) -> None:
            for part in parts:
                part.lower(schedule(progress))

        return advance

    def _target(self, train: View) -> torch.Tensor:
        y = np.asarray(train.y)
        if self._task != "regression":
            return torch.tensor(y, dtype=torch.int64)
        self._scale = TargetScale.of(y)
        return torch.tensor(self._scale.scale(y))[:, None]

    def _evaluator(self, stop: View) -> Callable[[], Array]:
        cells = cast("Net", self._net).cells
        chunks = [self._inputs(block, self._device) for block in chunks_of(stop, cells)]
        return lambda: self._answer(chunks)

    def predict(self, view: View) -> Array:
        """(n, k) float32 class probabilities or (n,) float64 values."""
        if self._net is None or self._layout is None:
            msg = "fit or load before predict"
            raise RuntimeError(msg)
        blocks = chunks_of(view, cast("Net", self._net).cells)
        return self._answer(self._inputs(block, self._device) for block in blocks)

    def _inputs(self, X: Any, device: str) -> Inputs:
        return self._recipe.entrance.inputs(X, cast("Layout", self._layout), device)

    def _answer(self, chunks: Iterable[Inputs]) -> Array:
        net = cast("nn.Module", self._net).eval()
        outputs = []
        with torch.inference_mode():
            for rows in chunks:
                with precision(self._device):
                    output: torch.Tensor = net(rows)
                output = output.float() if self._scale else output.float().softmax(-1)
                outputs.append(output.mean(1) if output.ndim == 3 else output)
            joined = torch.cat(outputs) if outputs else torch.empty(0, self._outputs)
        array: Array = joined.cpu().numpy()
        return self._scale.restore(array[:, 0]) if self._scale else array

    def save(self, folder: Path) -> None:
        """Write weights and what is needed to rebuild the net around them."""
        if self._net is None or self._layout is None:
            msg = "fit or load before save"
            raise RuntimeError(msg)
        details = {
            "config": self._config,
            "task": self._task,
            "outputs": self._outputs,
            "layout": asdict(self._layout),
            "scale": asdict(self._scale) if self._scale else None,
        }
        files.write(folder, self._net.state_dict(), details)

    def load(self, folder: Path) -> None:
        """Read what `save` wrote, onto the CPU.

        Raises:
            ArtifactError: The files are missing or damaged.
        """
        weights, details = files.read(folder)
        self._config, self._task = details["config"], details["task"]
        self._outputs, self._device = details["outputs"], "cpu"
        self._layout = self._recipe.entrance.restored(details["layout"])
        self._scale = TargetScale(**details["scale"]) if details["scale"] else None
        with torch.random.fork_rng(devices=[]):
            self._net = self._recipe.architecture(self._config, self._layout, self._outputs)
        self._net.load_state_dict(weights)
        self._net.eval()


def _column(weights: Array, device: str) -> torch.Tensor:
    return torch.tensor(np.asarray(weights, dtype=np.float32)).to(device)


def plan_of(recipe: Recipe, config: Config, rows: int, cells: int) -> loop.Plan:
    """Plan of a training on so many rows, `cells` numbers a row in the widest activation."""
    settings: dict[str, Any] = dict(config)
    asked = int(settings.get("batch_size", 0))
    rate = float(settings.get("learning_rate", recipe.rate))
    decay = float(settings.get("weight_decay", recipe.decay))
    return loop.Plan(
        epochs=int(settings.get("epochs", recipe.epochs)),
        batch=batch_of(rows, cells, recipe.batches, asked),
        rate=scaled(rate, recipe.rate_schedule),
        decay=scaled(decay, recipe.decay_schedule),
        betas=recipe.betas,
        clip=recipe.clip,
    )


def batch_of(
    rows: int, cells: int, batches: Sequence[tuple[int | None, int]] = BATCHES, asked: int = 0
) -> int:
    """Rows of a training batch: as asked, or by the number of rows; fewer of wide nets."""
    fitting = next(size for most, size in batches if most is None or rows <= most)
    return max(1, min(asked or fitting, rows, max(8, BATCH_CELLS // cells)))


def chunks_of(view: View, cells: int) -> Iterator[Any]:
    """The rows of a view in turn, no more at once than a prediction should handle."""
    size = max(32, min(1 << 14, CHUNK_CELLS // max(1, cells)))
    for start in range(0, len(view), size):
        yield view.take(slice(start, start + size)).X


def sample(view: View) -> View:
    """Rows drawn at random, fewer of wide tables."""
    numbers = getattr(view.X, "numbers", view.X)
    most = min(SAMPLE, max(512, SAMPLE_CELLS // max(math.prod(numbers.shape[1:]), 1)))
    return view.take(torch.randperm(len(view))[:most].numpy())


def precision(device: str) -> AbstractContextManager[Any]:
    """bfloat16 matrix products on a GPU; a CPU gains nothing from them."""
    return nullcontext() if device == "cpu" else torch.autocast("cuda", torch.bfloat16)
