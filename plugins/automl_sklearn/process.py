"""Gaussian processes: exact on few rows, on inducing points above."""

from __future__ import annotations

import warnings
from typing import Any, Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve, cholesky, solve_triangular
from scipy.optimize import fmin_l_bfgs_b
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel
from sklearn.linear_model import LogisticRegression

_TUNED_ROWS = 400
"""Rows whose marginal likelihood settles length scales, amplitude and noise."""
_STARTS = ((0.3, 0.02), (1.0, 0.02), (3.0, 0.02), (0.3, 0.4), (1.0, 0.4), (3.0, 0.4))
"""Length scales and noise that the climb may start from: the likelihood has several hills."""
_CLIMB_STEPS = 25
_ARD_COLUMNS = 20
"""Columns up to which each has a length scale of its own."""
_EXACT_ROWS = 2_000
_INDUCING = 600
"""Inducing points where rows are more."""
_WORK = 2e10
"""Multiplications that features of the rows may take; fewer inducing points on large data."""
_JITTER = 1e-6
_STRIP = 8192
"""Rows whose covariances are in memory at a time."""
_STEPS = 60


class _Covariance(BaseEstimator):  # type: ignore[misc]
    """An RBF (`nu` 0) or Matern kernel whose settings the marginal likelihood chooses."""

    def __init__(self, nu: float = 1.5) -> None:
        self.nu = nu

    def fit(self, X: Any, target: Any, rng: np.random.Generator) -> Self:
        """Settle the kernel on some rows of (n, d) `X` and a standardised (n,) `target`."""
        rows = rng.permutation(len(X))[:_TUNED_ROWS]
        columns = X.shape[1]
        starts = [_kernel(self.nu, columns, scale, noise) for scale, noise in _STARTS]
        tried = [GaussianProcessRegressor(start, alpha=_JITTER, optimizer=None) for start in starts]
        best = max(
            (process.fit(X[rows], target[rows]) for process in tried),
            key=lambda process: process.log_marginal_likelihood_value_,
        )
        process = GaussianProcessRegressor(best.kernel, alpha=_JITTER, optimizer=_climb)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            fitted = process.fit(X[rows], target[rows]).kernel_
        self.amplitude_ = float(fitted.k1.k1.constant_value)
        self.noise_ = float(fitted.k2.noise_level)
        self.scales_ = np.broadcast_to(fitted.k1.k2.length_scale, columns).copy()
        return self

    def __call__(self, X: Any, Z: Any) -> Any:
        """(n, m) covariances of (n, d) and (m, d) rows, without the noise."""
        unit = Matern(1.0, nu=self.nu) if self.nu else RBF(1.0)
        return self.amplitude_ * unit(X / self.scales_, Z / self.scales_)


def _kernel(nu: float, columns: int, scale: float, noise: float) -> Any:
    """A kernel to start from; `scale` is relative to the distance of random rows."""
    typical = np.sqrt(columns)
    alone = columns > _ARD_COLUMNS
    scales = np.full(1 if alone else columns, scale * typical)
    bounds = (0.1 * (typical if alone else 1.0), (10.0 if alone else 100.0) * typical)
    shape = Matern(scales, bounds, nu=nu) if nu else RBF(scales, length_scale_bounds=bounds)
    return ConstantKernel(1.0, (1e-2, 1e2)) * shape + WhiteKernel(noise, (1e-5, 2.0))


class GaussianProcessValues(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Regression with fitted noise.

    Up to 2,000 rows exact (Rasmussen and Williams 2006, algorithm 2.1); above, the subset of
    regressors on inducing points drawn from the rows (their section 8.3.1). The kernel is settled
    on 400 rows either way, with one length scale a column up to 20 columns. The amplitude is
    settled with it: `amplitude` is for classes.
    """

    def __init__(
        self, nu: float = 1.5, amplitude: float = 3.0, random_state: int | None = None
    ) -> None:
        self.nu = nu
        self.amplitude = amplitude
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) values."""
        rng = np.random.default_rng(self.random_state)
        X = X.astype(np.float64)
        self.mean_, self.spread_ = float(np.mean(y)), float(np.std(y)) or 1.0
        target = (y - self.mean_) / self.spread_
        self.kernel_ = _Covariance(self.nu).fit(X, target, rng)
        noise = self.kernel_.noise_ + _JITTER
        if len(X) <= _EXACT_ROWS:
            self.points_ = X
            covariance = self.kernel_(X, X)
            covariance[np.diag_indices_from(covariance)] += noise
            self.weights_ = cho_solve(cho_factor(covariance, lower=True), target)
            return self
        self.points_ = _inducing(X, 1, rng)
        root = _root(self.kernel_, self.points_)
        gram, right = noise * np.eye(len(root)), np.zeros(len(root))
        for rows in _strips(len(X)):
            features = solve_triangular(root, self.kernel_(self.points_, X[rows]), lower=True)
            gram += features @ features.T
            right += features @ target[rows]
        whitened = cho_solve(cho_factor(gram, lower=True), right)
        self.weights_ = solve_triangular(root, whitened, lower=True, trans="T")
        return self

    def predict(self, X: Any) -> Any:
        """(n,) means."""
        X = X.astype(np.float64)
        parts = [self.kernel_(X[rows], self.points_) @ self.weights_ for rows in _strips(len(X))]
        return np.concatenate(parts) * self.spread_ + self.mean_


class GaussianProcessClasses(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Classification by a latent process a class, joined by the logistic or softmax.

    The mode of the posterior over the functions that inducing points span: with those functions
    whitened it is a logistic regression with a unit Gaussian prior (Rasmussen and Williams 2006,
    sections 3.4 and 8.3.1). Up to 2,000 rows every row is an inducing point, which is then the
    exact mode. The kernel is settled on 400 rows by the marginal likelihood of labels taken for
    values, with one length scale a column up to 20 columns.
    """

    def __init__(
        self, nu: float = 1.5, amplitude: float = 3.0, random_state: int | None = None
    ) -> None:
        self.nu = nu
        self.amplitude = amplitude
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on (n, d) scaled `X` and (n,) codes."""
        rng = np.random.default_rng(self.random_state)
        X = X.astype(np.float64)
        self.classes_ = np.unique(y)
        self.kernel_ = _Covariance(self.nu).fit(X, _signal(X, y, self.classes_), rng)
        # Amplitude of the latent functions, on the scale of log odds.
        self.kernel_.amplitude_ = self.amplitude**2
        self.points_ = X if len(X) <= _EXACT_ROWS else _inducing(X, len(self.classes_), rng)
        self.root_ = _root(self.kernel_, self.points_)
        self.link_ = LogisticRegression(C=1.0, max_iter=_STEPS, tol=1e-3)
        self.link_.fit(self._features(X), y)
        return self

    def _features(self, X: Any) -> Any:
        """(n, m) float32 coordinates in the whitened functions."""
        out = np.empty((len(X), len(self.points_)), np.float32)
        for rows in _strips(len(X)):
            between = self.kernel_(self.points_, X[rows])
            out[rows] = solve_triangular(self.root_, between, lower=True).T
        return out

    def predict_proba(self, X: Any) -> Any:
        """(n, k) class probabilities."""
        X = X.astype(np.float64)
        parts = [self.link_.predict_proba(self._features(X[rows])) for rows in _strips(len(X))]
        return np.concatenate(parts)

    def predict(self, X: Any) -> Any:
        """(n,) classes."""
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def _climb(loss: Any, start: Any, bounds: Any) -> tuple[Any, float]:
    """L-BFGS-B as scikit-learn runs it, but ended early: the last digits change no prediction."""
    point, least, _ = fmin_l_bfgs_b(loss, start, bounds=bounds, maxiter=_CLIMB_STEPS)
    return point, float(least)


def _root(kernel: _Covariance, points: Any) -> Any:
    """(m, m) lower Cholesky factor of the points' covariances, which whitens the functions."""
    inner = kernel(points, points)
    inner[np.diag_indices_from(inner)] += _JITTER * kernel.amplitude_
    return cholesky(inner, lower=True)


def _strips(rows: int) -> list[slice]:
    return [slice(start, start + _STRIP) for start in range(0, rows, _STRIP)]


def _inducing(X: Any, outputs: int, rng: np.random.Generator) -> Any:
    """Rows drawn without replacement, as many as the work allowed pays for."""
    each = X.shape[1] + (_STEPS * outputs if outputs > 1 else 0)
    budget = _WORK / len(X)
    affordable = int(np.sqrt(budget + each**2 / 4) - each / 2)
    size = min(_INDUCING, len(X), max(50, affordable))
    return X[np.sort(rng.permutation(len(X))[:size])]


def _signal(X: Any, y: Any, classes: Any) -> Any:
    """(n,) standardised values that tell the classes apart: the code where there are two.

    With more, the first linear discriminant of the label indicators, so that one kernel serves
    all classes.
    """
    if len(classes) == 2:
        signal = (y == classes[1]).astype(np.float64)
    else:
        member = (y[:, None] == classes).astype(np.float64)
        member -= member.mean(axis=0)
        centred = X - X.mean(axis=0)
        _, _, directions = np.linalg.svd(centred.T @ member, full_matrices=False)
        signal = member @ directions[0]
    return (signal - signal.mean()) / (float(signal.std()) or 1.0)
