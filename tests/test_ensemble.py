from __future__ import annotations

import json

import numpy as np
import pytest

from automl import Ensembler
from automl.ensemble import ensemble
from automl.errors import BudgetError
from automl.leaderboard import leaderboard
from automl.metrics import BUILTIN, get_metric, loss, score
from automl_ensemble import automl_ensemblers
from automl_ensemble.blends import blend_losses
from automl_ensemble.greedy import Greedy, build, select
from automl_ensemble.stacking import Stacking
from tests.fake_run import FakeRun, noisy_probabilities

AUC = get_metric("roc_auc", "binary")
LOG_LOSS = get_metric("log_loss", "binary")
ENSEMBLERS = list(automl_ensemblers())


def members(task, m=6, n=300, seed=0):
    rng = np.random.default_rng(seed)
    if task == "regression":
        y = rng.gamma(2.0, size=n) + 1
        return np.abs(y + rng.normal(size=(m, n))).astype(np.float32), y
    k = 2 if task == "binary" else 4
    y = rng.integers(0, k, n)
    return np.stack([noisy_probabilities(y, k, 1.5, rng) for _ in range(m)]), y


def blend(weights, predictions):
    return np.tensordot(weights.astype(np.float32), predictions, 1)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def run(tmp_path, rng):
    y = rng.integers(0, 2, 900)
    run = FakeRun(tmp_path / "run", y)
    for name, family in (("net", "deep"), ("forest", "classical"), ("line", "classical")):
        run.learner(name, family)
        for number in range(3):
            run.trial(name, number, noisy_probabilities(y, 2, 1.5, rng))
    run.learner("baseline", "baseline")
    run.trial("baseline", 0, np.full((900, 2), 0.5))
    return run


CASES = [
    (metric.name, task)
    for task in ("binary", "multiclass", "regression")
    for metric in BUILTIN
    if task in metric.tasks
]


@pytest.mark.parametrize(("name", "task"), CASES)
def test_losses_of_blends_are_those_of_the_metric(name, task):
    """Up to what does not change their order: r2 follows the squared error, and the like."""
    metric = get_metric(name, task)
    predictions, y = members(task)
    counts = np.array([2.0, 0, 1, 0, 0, 0])
    quick = blend_losses(predictions, y, metric)(counts)
    slow = [
        loss(metric, score(metric, y, blend((counts + one) / 4, predictions))) for one in np.eye(6)
    ]
    if name in {"rmse", "r2", "brier"}:
        np.testing.assert_array_equal(np.argsort(quick), np.argsort(slow))
    else:
        np.testing.assert_allclose(quick, slow, atol=2e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "task"), CASES)
def test_weights_sum_to_one_and_beat_the_best_member_on_their_rows(name, task):
    metric = get_metric(name, task)
    predictions, y = members(task)
    weights = Greedy(0).fit(predictions, y, metric)
    assert weights.sum() == pytest.approx(1)
    assert (weights >= 0).all()
    best = min(loss(metric, score(metric, y, p)) for p in predictions)
    assert loss(metric, score(metric, y, blend(weights, predictions))) <= best + 1e-5


def test_the_path_is_caruanas():
    """Squared error: the blend of +1 and -1 errors is found, the far member is never taken."""
    y = np.zeros(800)
    predictions = np.array([np.full(800, v) for v in (1.0, -1.0, 9.0)], dtype=np.float32)
    weights = Greedy(0).fit(predictions, y, get_metric("rmse", "regression"))
    assert weights.tolist() == [0.5, 0.5, 0]


def test_few_rows_draw_weights_towards_equal_ones():
    metric, shares = get_metric("rmse", "regression"), []
    for rows in (10, 100, 300, 10_000):
        predictions = np.stack([np.full(rows, v, np.float32) for v in (0.1, 9.0)])
        shares.append(Greedy(0).fit(predictions, np.zeros(rows), metric)[1])
    assert shares == pytest.approx([0.5 * 100 / 110, 0.25, 0.125, 0.0])


def test_ties_favour_members_already_in():
    table = {0.0: [2.0, 1.0, 1.0], 1.0: [1.5, 0.5, 0.5]}
    seen = []

    def losses(counts):
        seen.append(counts)
        return np.array(table.get(counts.sum(), [0.5, 0.5, 0.5]))

    assert select(losses, 3, 25, 5).tolist() == [0, 1, 0]
    assert [c.argmax() for c in seen[1:]] == [1] * (len(seen) - 1)


def test_members_whose_score_is_not_defined_get_equal_weights():
    weights = Greedy(0).fit(np.full((2, 5, 2), 0.5, np.float32), np.zeros(5, dtype=int), AUC)
    assert weights.tolist() == [0.5, 0.5]


def test_equal_accuracies_are_told_apart_by_log_loss():
    y = np.array([0, 1] * 500)
    sure = np.where(y[:, None] == [0, 1], 0.9, 0.1)
    unsure = np.where(y[:, None] == [0, 1], 0.6, 0.4)
    stack = np.stack([unsure, sure]).astype(np.float32)
    weights = Greedy(0).fit(stack, y, get_metric("accuracy", "binary"))
    assert weights.tolist() == [0, 1]


def test_the_same_seed_gives_the_same_weights_on_a_sample():
    predictions, y = members("binary", n=25_000)
    twice = [build(3).fit(predictions, y, AUC) for _ in range(2)]
    np.testing.assert_array_equal(*twice)


@pytest.mark.parametrize("name", ["roc_auc", "log_loss"])
def test_on_few_rows_a_blend_is_not_worse_than_the_member_it_would_replace(name):
    """Weights from 200 rows, judged on 5,000 others, over ten worlds."""
    metric, gains = get_metric(name, "binary"), []
    for seed in range(10):
        predictions, y = members("binary", m=8, n=5200, seed=seed)
        few, rest = slice(0, 200), slice(200, None)
        weights = Greedy(0).fit(predictions[:, few], y[few], metric)
        best = min(predictions, key=lambda p: loss(metric, score(metric, y[few], p[few])))
        gains.append(
            loss(metric, score(metric, y[rest], best[rest]))
            - loss(metric, score(metric, y[rest], blend(weights, predictions[:, rest])))
        )
    assert np.mean(gains) > 0
    assert min(gains) > -0.005


def test_rows_of_the_families_they_name(run):
    entries = {e["name"]: e for e in ensemble(run.path, ENSEMBLERS, AUC, 0)}
    drawn = {name: {m["learner"] for m in e["members"]} for name, e in entries.items()}
    assert list(entries) == ["ensemble", "ensemble_deep", "ensemble_classical", "stacking"]
    assert drawn["ensemble_deep"] == {"net"}
    assert drawn["ensemble_classical"] <= {"forest", "line"}
    assert "net" in drawn["ensemble"]
    assert "baseline" not in set().union(*drawn.values())
    for entry in entries.values():
        whole = sum(m["weight"] for m in entry["members"])
        assert (whole == pytest.approx(1)) == (entry["combiner"] is None)
        assert entry["plugin"] == "automl_ensemble"
        assert entry["status"] == "ok"
    assert json.loads((run.path / "model" / "ensembles.json").read_text()) == list(entries.values())


def test_each_half_is_predicted_with_the_weights_of_the_other(run):
    class Spy:
        """Gives all weight to a member that depends on the rows it was shown."""

        def fit(self, predictions, y, metric):
            seen.append(y)
            return np.eye(len(predictions))[len(seen) % len(predictions)]

    seen = []
    spy = Ensembler(name="spy", tasks=frozenset({"binary"}), factory=lambda _seed: Spy())
    ensemble(run.path, [spy], AUC, 0)
    assert [len(y) for y in seen] == [900, *np.bincount(run.half)]
    np.testing.assert_array_equal(np.sort(seen[1]), np.sort(run.y[run.half == 0]))
    crossfit = np.load(run.predictions / "spy-crossfit.npy")
    sources = []
    for half in (0, 1):
        rows = run.half == half
        for path in run.predictions.glob("*-r3-f0.npy"):
            mine = crossfit[rows & (run.fold == 0)]
            whole = np.load(path)[run.half[run.fold == 0] == half]
            if np.array_equal(mine, whole):
                sources.append(path.name)
    assert len(sources) == 2
    assert sources[0] != sources[1]


def test_the_ensemble_leads_the_leaderboard_of_independent_members(run):
    ensemble(run.path, ENSEMBLERS, AUC, 0)
    table = leaderboard(run.path, AUC).set_index("learner")
    assert set(table.index[:2]) == {"ensemble", "stacking"}
    singles = table.loc[["net", "forest", "line"]]
    assert table.loc["ensemble", "score"] > singles["score"].max()
    assert table.loc["ensemble", "fit_seconds"] > 10
    assert table.loc["ensemble", "family"] == "ensemble"
    assert table.loc["baseline", "score"] == 0.5


def test_an_ensemble_of_guesses_is_a_guess(tmp_path, rng):
    """Cross-fitting takes back what selection over 40 guesses gained on its rows."""
    y = rng.integers(0, 2, 900)
    run = FakeRun(tmp_path / "run", y)
    for number in range(40):
        run.trial(f"g{number}", 0, rng.dirichlet([1, 1], 900))
    ensemble(run.path, ENSEMBLERS[:1], AUC, 0)
    row = leaderboard(run.path, AUC).set_index("learner").loc["ensemble"]
    assert row["score_val"] > 0.55
    assert row["score_low"] < 0.5 < row["score_high"]


def test_members_are_left_out_that_there_is_no_time_for(run):
    whole = ensemble(run.path, ENSEMBLERS[:1], AUC, 0)[0]
    each = 5 * 0.5 / 900 * 5  # seconds of five models for a row
    (entry,) = ensemble(run.path, ENSEMBLERS[:1], AUC, 0, row_seconds=2.5 * each)
    assert len(entry["members"]) == 2 < len(whole["members"]) == entry["pruned"]["members"]
    assert entry["score_val"] == pytest.approx(entry["pruned"]["score_left"], abs=1e-3)
    assert entry["pruned"]["score_left"] < entry["pruned"]["score"]
    assert whole["pruned"] is None
    row = leaderboard(run.path, AUC).set_index("learner").loc["ensemble"]
    assert row["predict_rows_per_second"] == pytest.approx(1 / (2 * each))


def test_an_ensemble_without_a_member_that_is_fast_enough_is_skipped(run):
    entries = ensemble(run.path, ENSEMBLERS, AUC, 0, row_seconds=1e-3)
    assert {entry["status"] for entry in entries} == {"skipped"}
    assert entries[0]["reason"] == "no model predicts a row in 1ms"


def test_a_single_member_is_still_a_row(tmp_path, rng):
    y = rng.integers(0, 2, 200)
    run = FakeRun(tmp_path / "run", y)
    run.learner("baseline", "baseline")
    run.trial("baseline", 0, noisy_probabilities(y, 2, 1.0, rng))
    entries = ensemble(run.path, ENSEMBLERS, AUC, 0)
    assert entries[0]["members"] == [{"learner": "baseline", "trial": "baseline-0", "weight": 1.0}]
    table = leaderboard(run.path, AUC).set_index("learner")
    assert table.loc["ensemble", "score"] == table.loc["baseline", "score"]
    assert table.loc["ensemble_deep", "status"] == "skipped"
    assert "no deep model finished" in table.loc["ensemble_deep", "reason"]


def test_a_broken_algorithm_costs_its_row_alone(run):
    class Broken:
        def fit(self, predictions, y, metric):
            msg = "no luck"
            raise RuntimeError(msg)

    class Nonsense:
        def fit(self, predictions, y, metric):
            return np.full(len(predictions), np.nan)

    bad = [
        Ensembler(
            name=made.__name__, tasks=frozenset({"binary"}), factory=lambda _s, made=made: made()
        )
        for made in (Broken, Nonsense)
    ]
    entries = ensemble(run.path, [*bad, *ENSEMBLERS], AUC, 0)
    assert [e["status"] for e in entries] == ["failed", "failed", *["ok"] * len(ENSEMBLERS)]
    table = leaderboard(run.path, AUC).set_index("learner")
    assert "no luck" in table.loc["Broken", "reason"]
    assert table.loc["ensemble", "status"] == "ok"


def test_locked_rows_get_the_final_weights(tmp_path, rng):
    y, y_test = rng.integers(0, 2, 600), rng.integers(0, 2, 300)
    run = FakeRun(tmp_path / "run", y, y_test=y_test)
    tests = {}
    for name in ("a", "b", "c"):
        tests[f"{name}-0"] = noisy_probabilities(y_test, 2, 1.0, rng)
        run.trial(name, 0, noisy_probabilities(y, 2, 1.0, rng), test=tests[f"{name}-0"])
    entry = ensemble(run.path, ENSEMBLERS[:1], LOG_LOSS, 0)[0]
    expected = sum(m["weight"] * tests[m["trial"]] for m in entry["members"])
    np.testing.assert_allclose(np.load(run.predictions / "ensemble-test.npy"), expected, atol=1e-6)
    row = leaderboard(run.path, LOG_LOSS).set_index("learner").loc["ensemble"]
    assert row["score"] == pytest.approx(score(LOG_LOSS, y_test, expected))


def test_few_rows_admit_fifteen_members(tmp_path, rng):
    y = rng.integers(0, 2, 100)
    run = FakeRun(tmp_path / "run", y)
    for learner in range(20):
        run.trial(f"l{learner}", 0, noisy_probabilities(y, 2, 1.0, rng))
    shown = []

    class Spy:
        def fit(self, predictions, y, metric):
            shown.append(len(predictions))
            return np.full(len(predictions), 1 / len(predictions))

    spy = Ensembler(name="spy", tasks=frozenset({"binary"}), factory=lambda _seed: Spy())
    ensemble(run.path, [spy], AUC, 0)
    assert shown == [15, 15, 15]


def test_the_best_models_are_candidates_even_of_one_learner(tmp_path, rng):
    y = rng.integers(0, 2, 100)
    run = FakeRun(tmp_path / "run", y)
    for learner in range(20):
        run.trial(f"poor{learner}", 0, noisy_probabilities(y, 2, 0.2, rng))
    good = [noisy_probabilities(y, 2, 4.0, rng) for _ in range(7)]
    for number, prediction in enumerate(good):
        run.trial("good", number, prediction)
    shown = []

    class Spy:
        def fit(self, predictions, y, metric):
            shown.append(predictions)
            return np.full(len(predictions), 1 / len(predictions))

    spy = Ensembler(name="spy", tasks=frozenset({"binary"}), factory=lambda _seed: Spy())
    ensemble(run.path, [spy], AUC, 0)
    there = [any(np.isclose(p.sum(0), m.sum(0)).all() for m in shown[0]) for p in good]
    assert sum(there) == 5  # of seven: a few of each learner


def test_regression_is_combined_too(tmp_path, rng):
    y = rng.normal(size=800)
    run = FakeRun(tmp_path / "run", y)
    for name in ("a", "b", "c"):
        run.trial(name, 0, y + rng.normal(size=800))
    rmse = get_metric("rmse", "regression")
    ensemble(run.path, ENSEMBLERS[:1], rmse, 0)
    table = leaderboard(run.path, rmse)
    assert table["learner"][0] == "ensemble"
    assert table["score"][0] == pytest.approx(1 / np.sqrt(3), rel=0.1)


def test_the_same_seed_gives_the_same_files(run):
    first = ensemble(run.path, ENSEMBLERS, AUC, 0)
    second = ensemble(run.path, ENSEMBLERS, AUC, 0)
    assert [e["members"] for e in first] == [e["members"] for e in second]
    assert [e["score_val"] for e in first] == [e["score_val"] for e in second]


def test_without_any_model_there_is_nothing_to_combine(tmp_path):
    run = FakeRun(tmp_path / "run", [0, 1, 0, 1])
    with pytest.raises(BudgetError, match="no learner finished"):
        ensemble(run.path, ENSEMBLERS, AUC, 0)


# -------------------------------------------------------------------------------- stacking


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_stacking_beats_the_mean_of_members_of_unequal_worth(task, rng):
    metric = get_metric("rmse" if task == "regression" else "log_loss", task)
    predictions, y = members(task, m=5, n=6000)
    k = 0 if task == "regression" else predictions.shape[2]
    predictions[3] = rng.permutation(predictions[3])
    predictions[4] = rng.gamma(2.0, size=6000) if k == 0 else rng.dirichlet(np.ones(k), 6000)
    fitted = Stacking(0)
    weights = fitted.fit(predictions[:, :3000], y[:3000], metric)
    rest = predictions[weights > 0, 3000:]
    stacked = loss(metric, score(metric, y[3000:], fitted.combine(rest)))
    mean = loss(metric, score(metric, y[3000:], predictions[:, 3000:].mean(axis=0)))
    assert stacked < 0.9 * mean
    assert weights[:3].min() > 3 * weights[3:].max()


def test_stacking_of_few_rows_stays_near_the_mean(rng):
    predictions, y = members("binary", m=8, n=12)
    weights = Stacking(0).fit(predictions, y, LOG_LOSS)
    assert np.abs(weights - 1 / 8).max() < 0.3


def test_stacking_makes_a_blend_as_sure_as_it_should_be(rng):
    """Members that are right but timid, each knowing something else: the mean is too timid."""
    logits = rng.normal(size=(4, 5000))
    y = (rng.random(5000) < 1 / (1 + np.exp(-logits.sum(axis=0)))).astype(int)
    p = 1 / (1 + np.exp(-logits))
    predictions = np.stack([1 - p, p], axis=-1).astype(np.float32)
    fitted = Stacking(0)
    weights = fitted.fit(predictions, y, LOG_LOSS)
    assert weights == pytest.approx(np.ones(4), abs=0.2)
    truth = 1 / (1 + np.exp(-logits.sum(axis=0)))
    assert np.abs(fitted.combine(predictions)[:, 1] - truth).mean() < 0.03


@pytest.mark.parametrize("task", ["multiclass", "regression"])
def test_a_stack_restored_from_its_json_predicts_the_same(task):
    predictions, y = members(task)
    first, second = Stacking(0), Stacking(7)
    weights = first.fit(predictions, y, get_metric("rmse", "regression"))
    second.restore(json.loads(json.dumps(first.state())))
    kept = predictions[weights > 0]
    assert (first.combine(kept) == second.combine(kept)).all()


def test_stacking_is_cross_fitted_and_keeps_what_it_needs_to_predict(run):
    stack = next(e for e in ENSEMBLERS if e.name == "stacking")
    (entry,) = ensemble(run.path, [stack], LOG_LOSS, 0)
    assert entry["status"] == "ok"
    trials, state = entry["combiner"]["trials"], entry["combiner"]["state"]
    assert sorted(trials) == sorted(m["trial"] for m in entry["members"])
    assert len(state["weights"]) == len(trials)
    row = leaderboard(run.path, LOG_LOSS).set_index("learner").loc["stacking"]
    assert row["family"] == "ensemble"
    assert row["trials"] == len(trials)
    assert row["score"] >= row["score_val"] - 1e-9


def test_a_combiner_that_gives_nan_costs_its_row(run):
    class Broken:
        def fit(self, predictions, y, metric):
            return np.ones(len(predictions))

        def combine(self, predictions):
            return np.full(predictions.shape[1:], np.nan)

    broken = Ensembler(name="broken", tasks=frozenset({"binary"}), factory=lambda _seed: Broken())
    (entry,) = ensemble(run.path, [broken], AUC, 0)
    assert entry["status"] == "failed"
    assert "NaN" in entry["reason"]


def test_a_combiner_sees_its_members_in_the_order_of_the_fit_and_without_those_of_no_weight(run):
    class Second:
        """Keeps the last two members and answers with the first of them."""

        def fit(self, predictions, y, metric):
            self.wanted = np.sort(predictions[-2], axis=0)
            return np.array([0.0] * (len(predictions) - 2) + [1.0, 5.0])

        def combine(self, predictions):
            assert len(predictions) == 2
            if predictions.shape[1:] == self.wanted.shape:
                seen.append(bool((np.sort(predictions[0], axis=0) == self.wanted).all()))
            return predictions[0]

        def state(self):
            return {}

    seen = []
    second = Ensembler(name="second", tasks=frozenset({"binary"}), factory=lambda _seed: Second())
    (entry,) = ensemble(run.path, [second], AUC, 0)
    assert entry["status"] == "ok"
    assert True in seen
