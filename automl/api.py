"""`AutoML`: a fit as a scikit-learn estimator."""

from __future__ import annotations

import io
import shutil
import tempfile
import weakref
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags

from automl.artifact import NAME as ARTIFACT
from automl.artifact import Predictor
from automl.data.schema import encode_target, labelled
from automl.errors import ArtifactError, UsageError
from automl.hooks.manager import get_host
from automl.metrics import get_metric, run_metric, score
from automl.progress import PlainLines, Quiet
from automl.report import write_report
from automl.scaling import Scaling, read_scaling
from automl.search import rundir
from automl.units import parse_duration, parse_size
from automl.workflow import FitOptions, fit_run
from automl.workflow.prepare import read
from automl.workflow.study import scale_run, study_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from automl.space import Value
    from automl.types import Array, Observer


class AutoML(BaseEstimator):  # type: ignore[misc]
    """Trains deep and classical learners under one budget and keeps the best model.

    Every parameter is the flag of `automl fit` of the same name; `automl fit --help` and the
    reference in the documentation say what each means.

    Attributes:
        run_dir_: The run directory, with the journal, the leaderboard and the model.
        study_dir_: The directory of the last study, after `scale`.
        leaderboard_: One row a learner, best first.
        scaling_: Verdicts on how deep and classical learners scale with rows, and `.plot()`.
        classes_: Sorted labels, in the order of `predict_proba`'s columns; for classification
            only.
        n_features_in_: Feature columns of the training table.
        feature_names_in_: Their names.
    """

    def __init__(  # noqa: PLR0913 - the flags of the command line are the contract
        self,
        *,
        task: str = "auto",
        metric: str | None = None,
        test: str | pd.DataFrame | None = None,
        test_size: float | None = None,
        time_limit: float | str | None = "5m",
        trials: int | None = None,
        preset: Literal["quick", "balanced", "best"] = "balanced",
        allocate: Literal["equal", "greedy"] = "greedy",
        learner: Sequence[str] | str | None = None,
        exclude: Sequence[str] | str | None = None,
        folds: int | None = None,
        group: str | None = None,
        time: str | None = None,
        drop: Sequence[str] | str | None = None,
        positive: Value | None = None,
        contamination: float | None = None,
        cpus: int | None = None,
        gpus: int | None = None,
        memory: int | str | None = None,
        address: str | None = None,
        seed: int = 0,
        output: str | Path | None = None,
        resume: bool = False,
        on_error: Literal["skip", "raise"] = "skip",
        verbose: bool = True,
    ) -> None:
        self.task = task
        self.metric = metric
        self.test = test
        self.test_size = test_size
        self.time_limit = time_limit
        self.trials = trials
        self.preset = preset
        self.allocate = allocate
        self.learner = learner
        self.exclude = exclude
        self.folds = folds
        self.group = group
        self.time = time
        self.drop = drop
        self.positive = positive
        self.contamination = contamination
        self.cpus = cpus
        self.gpus = gpus
        self.memory = memory
        self.address = address
        self.seed = seed
        self.output = output
        self.resume = resume
        self.on_error = on_error
        self.verbose = verbose

    # ------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None) -> Self:
        """Search, ensemble and save.

        Args:
            X: A path or `sklearn:NAME` or a DataFrame with the target in it, `y` then being
                the target's name; or a DataFrame or (n, d) array of features alone.
            y: The target's name, (n,) target values, or None to guess the target. With
                `task="anomaly"` labels, which only score; None where there are none.

        Raises:
            DataError: The data cannot be used as asked.
            UsageError: The parameters contradict each other.
            BudgetError: The budget ended before any learner produced a model.
        """
        source, target = _source(X, y)
        run = self._folder()
        self._temporary = self.output is None
        try:
            fit_run(self._options(run), source, target, self._observer())
        except KeyboardInterrupt:
            if (run / "model" / ARTIFACT).exists():
                self._open(run)  # what the time sufficed for predicts
            raise
        self._open(run)
        return self

    def _folder(self) -> Path:
        """Where the run goes: where asked, or into a folder that goes with this object."""
        return self._temporary_folder() if self.output is None else Path(self.output)

    def _temporary_folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="automl-run-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _options(self, output: Path) -> FitOptions:
        seconds = None if self.time_limit is None else parse_duration(str(self.time_limit))
        return FitOptions(
            task=self.task,
            metric=self.metric,
            test=self.test,
            test_size=None if self.test_size is None else float(self.test_size),
            seconds=seconds,
            trials=_whole(self.trials),
            preset=self.preset,
            allocate=self.allocate,
            learner=_words(self.learner),
            exclude=_words(self.exclude),
            folds=_whole(self.folds),
            group=self.group,
            time=self.time,
            drop=_words(self.drop),
            positive=None if self.positive is None else str(self.positive),
            contamination=None if self.contamination is None else float(self.contamination),
            cpus=_whole(self.cpus),
            gpus=_whole(self.gpus),
            memory=None if self.memory is None else _bytes(self.memory),
            address=self.address,
            seed=int(self.seed),
            output=output,
            resume=self.resume,
            on_error=self.on_error,
        )

    def _open(self, path: Path) -> None:
        self._predictor, self.run_dir_ = Predictor.load(path), path
        schema = self._predictor.schema
        self.feature_names_in_ = np.asarray([c.name for c in schema.columns], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        if schema.n_classes:
            self.classes_ = np.unique(np.asarray(schema.classes))

    def _observer(self) -> Observer:
        return PlainLines() if self.verbose else Quiet()

    def scale(
        self,
        X: Any,
        y: Any = None,
        *,
        axis: str = "rows",
        regime: Sequence[str] = (),
        repeats: int = 5,
        anchors: int = 9,
        price_per_hour: float | None = None,
    ) -> Scaling:
        """Study where deep learning scales better or worse here, as `automl scale` does.

        Uses `time_limit` (give it an hour, as the command does), `task`, `metric`, `learner`,
        `exclude`, the columns' roles, the machine, `on_error`, `seed`, `output` and `resume` of
        this object; it fits no model to predict with.

        Args:
            X: As for `fit`.
            y: As for `fit`.
            axis: What grows.
            regime: How learners are tuned: `default`, `transferred`, `retuned`; the first two
                unless given.
            repeats: Times that a fifth of the rows is held out anew.
            anchors: Values on the axis; of rows two an octave.
            price_per_hour: Of the machine, to say in the plan what the study costs.

        Returns:
            Verdicts with their advice; `print` them. `study_dir_` is the directory of the study,
            a temporary one unless `output` is given.

        Raises:
            DataError: The data cannot be used as asked.
            UsageError: The parameters contradict each other.
            BudgetError: The time ended before any fit did.
        """
        source, target = _source(X, y)
        options = study_options(
            self._options(self._folder()), axis, regime, repeats, anchors, price_per_hour
        )
        self.study_dir_ = scale_run(options, source, target, self._observer())
        metric = run_metric(rundir.read(self.study_dir_), get_host().metrics().values())
        return read_scaling(self.study_dir_, metric)

    # --------------------------------------------------------------------- predicting

    def predict(self, X: Any, learner: str | None = None) -> Array:
        """(n,) labels as spelled in the training data, or values; 1 for an anomaly, else 0.

        Args:
            X: Rows with the training columns, in any order; a path or a DataFrame.
            learner: One learner or ensemble instead of the best.
        """
        return self._fitted().predict(self._table(X), learner)

    def predict_proba(self, X: Any, learner: str | None = None) -> Array:
        """(n, k) class probabilities in the order of `classes_`."""
        predictor = self._fitted()
        probabilities = predictor.predict_proba(self._table(X), learner)
        return probabilities[:, np.argsort(np.asarray(predictor.schema.classes))]

    def anomaly_scores(self, X: Any, learner: str | None = None) -> Array:
        """(n,) how strange each row is, in bits: -log2 of the share of rows as strange as it.

        Of several detectors it is the mean; higher is stranger.

        Raises:
            UsageError: The task is another one.
        """
        predictor = self._fitted()
        if predictor.schema.task != "anomaly":
            msg = f"there are no anomaly scores: the task is {predictor.schema.task}"
            raise UsageError(msg)
        return predictor.raw(self._table(X), learner)

    def score(self, X: Any, y: Any = None) -> float:
        """Accuracy or R2, as scikit-learn's own estimators; ROC AUC for anomalies.

        Args:
            X: Rows; they may hold the target, `y` then being None.
            y: (n,) true labels or values.

        Raises:
            UsageError: There are no labels to score by.
        """
        from sklearn.metrics import r2_score

        table = self._table(X)
        schema = self._fitted().schema
        if y is None and schema.target not in table.columns:
            msg = "there are no labels to score by; give them as y"
            raise UsageError(msg)
        truth = pd.Series(np.asarray(table[schema.target] if y is None else y))
        if schema.task == "anomaly":
            return self._ranked(table, truth.to_numpy())
        y_true, known = encode_target(schema, truth)
        y_pred, _ = encode_target(schema, self.predict(table))
        if schema.task == "regression":
            return float(r2_score(y_true[known], y_pred[known]))
        return float((y_true == y_pred)[truth.notna()].mean())

    def _ranked(self, table: pd.DataFrame, truth: Array) -> float:
        """ROC AUC of anomaly scores on the rows that have a label."""
        schema = self._fitted().schema
        if schema.target is None:
            schema = labelled(schema, pd.DataFrame({"y": truth}), "y")
        y, known = encode_target(schema, truth)
        scores = self.anomaly_scores(table)[known]
        return score(get_metric("roc_auc", "anomaly"), y[known], scores)

    @property
    def leaderboard_(self) -> pd.DataFrame:
        """One row a learner, best first; the columns of `leaderboard.csv`.

        Raises:
            ArtifactError: Only the model is here, not the run that it came from.
        """
        self._fitted()
        table = self.run_dir_ / "leaderboard.csv"
        if not table.exists():
            msg = f"{self.run_dir_} holds a model without its run, so there is no leaderboard"
            raise ArtifactError(msg)
        return pd.read_csv(table, keep_default_na=True)

    @property
    def scaling_(self) -> Scaling:
        """What the fit says about scaling: `print` it to read it, `.plot()` it to see it.

        Raises:
            ArtifactError: Only the model is here, not the run that it came from.
        """
        self._fitted()
        metric = run_metric(rundir.read(self.run_dir_), get_host().metrics().values())
        return read_scaling(self.run_dir_, metric)

    def report(self, file: str | Path | None = None) -> Path:
        """Write the run as one HTML page that opens offline, and give its path.

        Args:
            file: Where to write; `report.html` in the run directory unless given.

        Raises:
            ArtifactError: Only the model is here, not the run that it came from.
        """
        self._fitted()
        return write_report(self.run_dir_, None if file is None else Path(file))

    # ------------------------------------------------------------------------- saving

    def save(self, folder: str | Path) -> Path:
        """Copy the model to a new folder that predicts by itself.

        Raises:
            UsageError: The folder exists and is not empty.
        """
        self._fitted()
        target = Path(folder)
        if target.exists() and any(target.iterdir()):
            msg = f"{target} exists and is not empty; choose another folder"
            raise UsageError(msg)
        home = self.run_dir_ if (self.run_dir_ / ARTIFACT).exists() else self.run_dir_ / "model"
        shutil.copytree(home, target, dirs_exist_ok=True)
        return target

    @classmethod
    def load(cls, folder: str | Path) -> AutoML:
        """An estimator that predicts from a saved model or a run directory.

        Raises:
            ArtifactError: The folder holds no model.
        """
        loaded = cls()
        loaded._temporary = False
        loaded._open(Path(folder))
        return loaded

    # ------------------------------------------------------------------- scikit-learn

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "_predictor")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        task = self._predictor.schema.task if hasattr(self, "_predictor") else self.task
        if task in {"binary", "multiclass"}:
            tags.estimator_type = "classifier"
        elif task == "regression":
            tags.estimator_type = "regressor"
        elif task == "anomaly":
            tags.estimator_type = "outlier_detector"
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = task != "anomaly"
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_predictor", None)
        if hasattr(self, "_predictor") and self._temporary:
            state["_files"] = _packed(self.run_dir_)  # the folder ends with this object
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        self.__dict__.update(state)
        if files is not None:
            self._open(_unpacked(files, self._temporary_folder()))
        elif "run_dir_" in state:
            self._open(self.run_dir_)

    def _fitted(self) -> Predictor:
        if not hasattr(self, "_predictor"):
            msg = "this AutoML is not fitted yet; call fit first"
            raise NotFittedError(msg)
        return self._predictor

    def _table(self, X: Any) -> pd.DataFrame:
        if isinstance(X, str | Path):
            return read(X, self._fitted().schema)
        return X if isinstance(X, pd.DataFrame) else _frame(X)


def _packed(folder: Path) -> bytes:
    """The files of a folder as one archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for file in sorted(folder.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return buffer.getvalue()


def _unpacked(files: bytes, folder: Path) -> Path:
    """The folder, with the files of an archive."""
    with zipfile.ZipFile(io.BytesIO(files)) as archive:
        archive.extractall(folder)
    return folder


def _words(names: Sequence[str] | str | None) -> tuple[str, ...]:
    """Names that were given one by one, or one alone."""
    return (names,) if isinstance(names, str) else tuple(names or ())


def _whole(number: int | None) -> int | None:
    """A plain integer, which NumPy's are not."""
    return None if number is None else int(number)


def _bytes(size: int | str) -> int:
    return size if isinstance(size, int) else parse_size(size)


def _frame(X: Any) -> pd.DataFrame:
    array = np.asarray(X)
    if array.ndim != 2:
        msg = f"X must have two dimensions, rows and columns; it has {array.ndim}"
        raise UsageError(msg)
    return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])


def _source(X: Any, y: Any) -> tuple[Any, str | None]:
    """The table with its target, and the target's name."""
    if isinstance(X, str | Path):
        return str(X), _name(y)
    table = X if isinstance(X, pd.DataFrame) else _frame(X)
    if y is None or isinstance(y, str):
        return table, _name(y)
    values = y if isinstance(y, pd.Series) else pd.Series(np.asarray(y))
    if len(values) != len(table):
        msg = f"X has {len(table):,} rows and y has {len(values):,}; they must be the same"
        raise UsageError(msg)
    name = str(values.name) if values.name is not None else "target"
    while name in table.columns:
        name += "_"
    return table.assign(**{name: values.array}), name


def _name(y: Any) -> str | None:
    if y is not None and not isinstance(y, str):
        msg = "with a path, y is the name of the target column"
        raise UsageError(msg)
    return y


__all__ = ["AutoML"]
