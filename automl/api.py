"""`AutoML`: a fit as a scikit-learn estimator."""

from __future__ import annotations

import io
import shutil
import tempfile
import warnings
import weakref
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils import Tags

from automl.anomaly.supervision import supervision_of
from automl.artifact import NAME as ARTIFACT
from automl.artifact import Predictor
from automl.data.given import as_column, as_table, join_target
from automl.data.labels import class_order, decode_labels
from automl.data.saved import layout_of
from automl.data.schema import encode_target, labelled
from automl.errors import ArtifactError, StoppedError, UsageError
from automl.hooks.manager import get_host
from automl.metrics import get_metric, score
from automl.options import TESTED, Options, options_of
from automl.progress import PlainLines, Quiet
from automl.report import write_report
from automl.runs import directory
from automl.scaling import Scaling, read_scaling
from automl.types import EMPTY
from automl.workflow import fit_run
from automl.workflow.prepare import read
from automl.workflow.study import scale_run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from automl.policy import Policy
    from automl.space import Value
    from automl.types import Array, Observer


class AutoML(BaseEstimator):  # type: ignore[misc]
    """Trains deep and classical learners under one budget and keeps the best model.

    Parameters are the flags of `automl fit`; the reference in the documentation has more of each.

    Args:
        task: What kind of problem it is.
        metric: What to optimise; see 'automl metrics'.
        test: Locked rows: never trained on, only scored. A file or a DataFrame.
        test_size: Lock this share of the rows instead of `test`.
        time_limit: Budget of the whole command, such as 90s, 10m, 1h30m. Seconds too; None for
            no limit.
        trials: Configurations to start, over all learners; alone it makes a run reproducible.
        preset: How thorough to be within the budget.
        policy: How the seconds are spent, in place of the preset's.
        allocate: Equal time for every learner, or where it helps most.
        infer_limit: Time in which the model predicts a row, such as 50us or 1ms; members of the
            ensemble that it has no time for are left out. Seconds too.
        learner: Only this learner; may be repeated. A name or several.
        exclude: All but this learner; may be repeated. A name or several.
        folds: Folds of cross-validation.
        group: Rows of one group are never split apart.
        time: Order in time: the last fifth validates.
        weight: Rows count by this column, in fits and in scores.
        drop: Leave this column out; may be repeated. A name or several.
        id: A column that only names the rows; may be repeated. A name or several.
        positive: The positive class of a binary target.
        encoding: Encoding of a text file, such as utf-8 or cp1252.
        sep: Separator of a text file, such as ; or tab.
        decimal: Decimal mark of a text file, a comma or a point.
        no_header: The first line of a text file is a row, not the names of the columns.
        image: Size of images such as 28x28 or 32x32x3, which columns of pixels are taken for and
            files are brought to; no for none.
        contamination: Share of rows to flag, with `task` anomaly.
        cpus: CPUs to use.
        gpus: GPUs to use.
        memory: Memory to use, such as 8GB. Bytes too.
        address: A Ray cluster that runs already.
        seed: Fixes all that is random.
        output: Folder for the run; never overwritten. None for one that goes with this object.
        resume: Go on with an earlier run. It needs `output`.
        on_error: Note a failed fit and go on, or stop the command.
        verbose: Print to stderr what was inferred and how the fit goes.

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
        policy: Policy | None = None,
        allocate: Literal["equal", "greedy"] = "greedy",
        infer_limit: str | float | None = None,
        learner: Sequence[str] | str | None = None,
        exclude: Sequence[str] | str | None = None,
        folds: int | None = None,
        group: str | None = None,
        time: str | None = None,
        weight: str | None = None,
        drop: Sequence[str] | str | None = None,
        id: Sequence[str] | str | None = None,  # noqa: A002 - the flag is --id
        positive: Value | None = None,
        encoding: str | None = None,
        sep: str | None = None,
        decimal: str | None = None,
        no_header: bool = False,
        image: str | None = None,
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
        # every parameter is an attribute of its name, as scikit-learn has it
        self.__dict__.update((name, value) for name, value in locals().items() if name != "self")

    # ------------------------------------------------------------------------ fitting

    def fit(self, X: Any, y: Any = None, sample_weight: Any = None) -> Self:
        """Search, ensemble and save.

        Args:
            X: A path or `sklearn:NAME` or a DataFrame with the target in it, `y` then being
                the target's name; or features alone: a DataFrame, an (n, d) array, a sparse
                matrix, or what else is a table.
            y: The target's name, (n,) target values or a frame of one column, or None to guess
                the target. With `task="anomaly"` labels, which only score; None where there are
                none.
            sample_weight: (n,) numbers of at least 0: how much each row counts, where models are
                fitted and where they are scored. For a file name its column: `weight`.

        Raises:
            DataError: The data cannot be used as asked.
            UsageError: The parameters contradict each other.
            BudgetError: The budget ended before any learner produced a model.
        """
        given = join_target(X, y, sample_weight)
        weight = EMPTY if given.weight is None else {"weight": given.weight}
        self._options(Path(), weight)  # what is wrong with them is said before there is a folder
        run = self._folder()
        self._temporary = self.output is None
        try:
            fit_run(self._options(run, weight), given.source, given.target, self._observer())
        except (KeyboardInterrupt, StoppedError) as error:
            made = (run / "model" / ARTIFACT).exists()
            if made:
                self._open(run)  # what the time sufficed for predicts
            if not made or not isinstance(error, StoppedError):
                raise
            warnings.warn(f"{error}; resume=True goes on from {run}", stacklevel=2)
            return self
        self._open(run)
        return self

    def _folder(self) -> Path:
        """Where the run goes: where asked, or into a folder that goes with this object."""
        return self._temporary_folder() if self.output is None else Path(self.output)

    def _temporary_folder(self) -> Path:
        folder = tempfile.mkdtemp(prefix="automl-run-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return Path(folder)

    def _options(self, output: Path, more: Mapping[str, Any] = EMPTY) -> Options:
        given = {option.name: getattr(self, option.parameter) for option in options_of("fit")}
        if not isinstance(self.test, str | Path | None):
            given["test"] = as_table(self.test)
        return Options.parse({**given, **more, "policy": self.policy, "output": output})

    def _open(self, path: Path) -> None:
        self._predictor, self.run_dir_ = Predictor.load(path), path
        schema = self._predictor.schema
        names = [name for c in schema.columns for name in c.raw if c.name != schema.weight]
        self.feature_names_in_ = np.asarray(names, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        if schema.n_classes:
            self.classes_ = decode_labels(schema, np.asarray(class_order(schema)))

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
        tested: int = TESTED,
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
            regime: How learners are tuned: `default`, `transferred` (once, on few rows),
                `retuned` (at every anchor); may be repeated. The first two unless given.
            repeats: Times that a fifth of the rows is held out anew.
            anchors: Values on the axis; rows: two an octave.
            tested: Learners of a family that have all repeats, those that validation puts first;
                the deep ones are tested, others described.
            price_per_hour: Price of the machine, to say what the study costs.

        Returns:
            Verdicts with their advice; `print` them. `study_dir_` is the directory of the study,
            a temporary one unless `output` is given.

        Raises:
            DataError: The data cannot be used as asked.
            UsageError: The parameters contradict each other.
            BudgetError: The time ended before any fit did.
        """
        source, target, _ = join_target(X, y)
        study = {
            "axis": axis,
            "regime": regime,
            "repeats": repeats,
            "anchors": anchors,
            "tested": tested,
            "price_per_hour": price_per_hour,
        }
        options = self._options(self._folder(), study)
        try:
            self.study_dir_ = scale_run(options, source, target, self._observer())
        except StoppedError as error:
            self.study_dir_ = Path(options.output or "")
            if not (self.study_dir_ / "scaling.json").exists():
                raise
            warnings.warn(f"{error}; resume=True goes on from {self.study_dir_}", stacklevel=2)
        metric = directory.read(self.study_dir_).judged_by(get_host().metrics().values())
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
        return probabilities[:, class_order(predictor.schema)]

    def anomaly_scores(self, X: Any, learner: str | None = None) -> Array:
        """(n,) calibrated scores: -log2 of the share of rows that score at least as high.

        Of several detectors it is the mean; higher is more anomalous.

        Raises:
            UsageError: The task is another one.
        """
        predictor = self._fitted()
        if predictor.supervision.supervised:
            msg = f"there are no anomaly scores: the task is {predictor.schema.task}"
            raise UsageError(msg)
        return predictor.raw(self._table(X), learner)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None) -> float:
        """Accuracy or R2, as scikit-learn's own estimators; ROC AUC for anomalies.

        Args:
            X: Rows; they may hold the target, `y` then being None or its name.
            y: (n,) true labels or values.
            sample_weight: (n,) how much each row counts.

        Raises:
            UsageError: There are no labels to score by.
        """
        from sklearn.metrics import r2_score

        predictor, table = self._fitted(), self._table(X)
        truth = self._truth(table, y)
        if not predictor.supervision.supervised:
            return self._ranked(table, truth)
        schema = predictor.schema
        weights = None if sample_weight is None else as_column(sample_weight, "sample_weight")
        y_true, known = encode_target(schema, truth)
        y_pred = self.predict(table)
        counted = known if schema.task == "regression" else truth.notna().to_numpy()
        if not counted.any():
            msg = "no row has a label to score by; give rows that have one"
            raise UsageError(msg)
        share = None if weights is None else weights.to_numpy(np.float64)[counted]
        if schema.task == "regression":
            return float(r2_score(y_true[counted], y_pred[counted], sample_weight=share))
        hits = y_true[counted] == encode_target(schema, y_pred)[0][counted]
        return float(np.average(hits, weights=share))

    def _truth(self, table: pd.DataFrame, y: Any) -> pd.Series[Any]:
        """(n,) true labels or values: those given, or those in the table."""
        name = self._fitted().schema.target if y is None else y
        if name is None or isinstance(name, str):
            places = [i for i, c in enumerate(table.columns) if str(c).strip() == str(name).strip()]
            if name is None or not places:
                msg = "there are no labels to score by; give them as y"
                raise UsageError(msg)
            return table.iloc[:, places[0]].reset_index(drop=True)
        truth = as_column(y).reset_index(drop=True)
        if len(truth) != len(table):
            msg = f"X has {len(table):,} rows and y has {len(truth):,}; they must be the same"
            raise UsageError(msg)
        return truth

    def _ranked(self, table: pd.DataFrame, truth: pd.Series[Any]) -> float:
        """ROC AUC of anomaly scores on the rows that have a label."""
        schema = self._fitted().schema
        if schema.target is None:
            schema = labelled(schema, pd.DataFrame({"y": truth}), "y")
        y, known = encode_target(schema, truth)
        scores = self.anomaly_scores(table)[known]
        return score(get_metric("roc_auc", schema.task), y[known], scores)

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
        """Verdicts of the fit on scaling: `print` it to read it, `.plot()` it to see it.

        Raises:
            ArtifactError: Only the model is here, not the run that it came from.
        """
        self._fitted()
        metric = directory.read(self.run_dir_).judged_by(get_host().metrics().values())
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
            ArtifactError: A file of the model is not the one that was saved.
        """
        target = Path(folder)
        if target.exists() and any(target.iterdir()):
            msg = f"{target} exists and is not empty; choose another folder"
            raise UsageError(msg)
        self._fitted().copy(target)
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
        supervised = supervision_of(task).supervised
        if task in {"binary", "multiclass"}:
            tags.estimator_type = "classifier"
        elif task == "regression":
            tags.estimator_type = "regressor"
        elif not supervised:
            tags.estimator_type = "outlier_detector"
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.target_tags.required = supervised
        return tags

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = dict(super().__getstate__())
        state.pop("_predictor", None)
        if hasattr(self, "_predictor"):
            state["_files"] = _packed(self.run_dir_)  # the folder may be gone by then
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        files = state.pop("_files", None)
        self.__dict__.update(state)
        if files is None:
            return
        kept = not self._temporary and self.run_dir_.exists()
        self._open(self.run_dir_ if kept else _unpacked(files, self._temporary_folder()))

    def _fitted(self) -> Predictor:
        if not hasattr(self, "_predictor"):
            msg = "this AutoML is not fitted yet; call fit first"
            raise NotFittedError(msg)
        return self._predictor

    def _table(self, X: Any) -> pd.DataFrame:
        if isinstance(X, str | Path):
            table = read(X, self._fitted().schema.reading)
            for line in layout_of(table).notes:
                self._observer().say(line)
            return table
        return as_table(X, getattr(self, "feature_names_in_", None))


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


__all__ = ["AutoML"]
