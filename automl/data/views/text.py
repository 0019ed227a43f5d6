"""Text as numbers: its length, its topics, and what its words say about the target."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from automl.data.views.target import FOLDS, PRIOR_ROWS, Targets
from automl.types import Array

if TYPE_CHECKING:
    import pandas as pd

TOPICS = 30
MOST_WORDS = 20_000
MOST_PLACES = 200
Parts: TypeAlias = Literal["words", "runs", "places"]
"""Parts of a text that are counted: words; runs of characters, where no blanks are between words;
those and the places of characters, where all texts are equally long."""
RUNS = (1, 5)
"""Lengths of the runs of characters that stand for words where none are told apart by blanks."""


@dataclass(frozen=True, eq=False)
class TextEncoder:
    """A fitted text column: TF-IDF words, their topics and their target scores."""

    name: str
    words: tuple[str, ...]
    idf: Array
    """(words,) float32."""
    weights: Array
    """(words, topics + m) float32: the topics' loadings, then the target scores of words."""
    topics: int
    scores: tuple[str, ...]
    parts: Parts = "words"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that `encode` gives."""
        topics = (f"{self.name}: topic {k}" for k in range(self.topics))
        scores = (f"{self.name}: words for {t}" for t in self.scores)
        return (f"{self.name}: length", *topics, *scores)

    def encode(self, column: pd.Series) -> Array:
        """(n,) text to (n, len(names)) float32; missing text is empty text."""
        text = column.astype("str").fillna("")
        if not self.words:
            return _length(text)
        return np.hstack([_length(text), self._words.transform(text) @ self.weights])

    @cached_property
    def _words(self) -> Any:
        vectorizer = _vectorizer(
            self.parts, vocabulary={word: i for i, word in enumerate(self.words)}
        )
        vectorizer.idf_ = self.idf
        return vectorizer


def fit_text(
    column: pd.Series, targets: Targets, seed: int, *, characters: bool = False
) -> tuple[TextEncoder, Array]:
    """Learn a text column: latent semantic analysis and naive-Bayes-like word scores.

    Args:
        column: (n,) text.
        targets: Of the same rows.
        seed: Of the topics.
        characters: Whether runs of characters stand for words.

    Returns:
        The encoder for new rows, and (n, d) float32 for the training rows, whose word scores
        come from the other folds only.
    """
    text = column.astype("str").fillna("")
    n = len(text)
    fewest = 1 if n < 200 else 3
    parts: Parts = "words"
    if characters:
        parts = "places" if len(set(text.str.len())) == 1 else "runs"
    vectorizer = _vectorizer(parts, max_features=MOST_WORDS, min_df=fewest)
    try:
        tfidf = vectorizer.fit_transform(text)
    except ValueError:  # no word occurs often enough
        empty = np.empty((0, 0), dtype=np.float32)
        encoder = TextEncoder(str(column.name), (), empty.ravel(), empty, 0, (), parts)
        return encoder, _length(text)
    loadings = _topics(tfidf, seed)
    seen = (tfidf > 0).astype(np.float64)
    sums = np.stack([seen[targets.folds == f].T @ _with_ones(targets, f) for f in range(FOLDS)])
    total = sums.sum(axis=0)
    weights = np.hstack([loadings, _scores(total, targets, None)])
    train = np.empty((n, weights.shape[1]), dtype=np.float32)
    for f in range(FOLDS):
        rows = targets.folds == f
        train[rows] = tfidf[rows] @ np.hstack([loadings, _scores(total - sums[f], targets, f)])
    encoder = TextEncoder(
        str(column.name),
        tuple(str(word) for word in vectorizer.get_feature_names_out()),
        vectorizer.idf_.astype(np.float32),
        weights,
        loadings.shape[1],
        targets.names,
        parts,
    )
    return encoder, np.hstack([_length(text), train])


def _vectorizer(parts: Parts, **options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    if parts == "runs":
        options |= {"analyzer": "char", "ngram_range": RUNS}
    if parts == "places":
        options |= {"analyzer": _runs_and_places}
    return TfidfVectorizer(sublinear_tf=True, dtype=np.float32, **options)


def _runs_and_places(word: str) -> list[str]:
    """Runs of characters, and each of the first characters with its place."""
    word = word.lower()
    low, high = RUNS
    runs = [word[i : i + n] for n in range(low, high + 1) for i in range(len(word) - n + 1)]
    return runs + [f"{i}: {letter}" for i, letter in enumerate(word[:MOST_PLACES])]


def _length(text: pd.Series) -> Array:
    return np.log1p(text.str.len().to_numpy(dtype=np.float32))[:, None]


def _topics(tfidf: Any, seed: int) -> Array:
    """(words, k) float32 loadings; fewer topics for few rows, none below twenty."""
    from sklearn.decomposition import TruncatedSVD
    from threadpoolctl import threadpool_limits

    k = min(TOPICS, tfidf.shape[0] // 10, tfidf.shape[1] - 1)
    if k < 2:
        return np.empty((tfidf.shape[1], 0), dtype=np.float32)
    with threadpool_limits(1):  # the same bits whatever the number of threads
        svd = TruncatedSVD(k, n_iter=3, random_state=seed).fit(tfidf)
    return np.ascontiguousarray(svd.components_.T, dtype=np.float32)


def _with_ones(targets: Targets, fold: int) -> Array:
    values = targets.columns[targets.folds == fold]
    return np.hstack([values, np.ones((len(values), 1))])


def _scores(sums: Array, targets: Targets, left_out: int | None) -> Array:
    """(words, m) float32: smoothed log odds of a class, or mean target, against the average."""
    kept = targets.columns if left_out is None else targets.columns[targets.folds != left_out]
    prior = kept.mean(axis=0) if len(kept) else np.zeros(kept.shape[1])
    means = (sums[:, :-1] + PRIOR_ROWS * prior) / (sums[:, -1:] + PRIOR_ROWS)
    if not targets.classify:
        return (means - prior).astype(np.float32)
    tiny = 1e-6
    odds = np.log(means + tiny) - np.log1p(tiny - means)
    average = np.log(prior + tiny) - np.log1p(tiny - prior)
    return (odds - average).astype(np.float32)
