from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from automl.errors import ArtifactError
from automl.leaderboard import (
    COLUMNS,
    best_trials,
    leaderboard,
    of_choice,
    scored_on,
    write_leaderboard,
)
from automl.metrics import get_metric, score
from automl.runs.record import RunReader
from tests.fake_run import FakeRun, noisy_probabilities

AUC = get_metric("roc_auc", "binary")
RMSE = get_metric("rmse", "regression")


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def truth(rng):
    return rng.integers(0, 2, 600)


@pytest.fixture
def run(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    for name, family, skill in (("good", "deep", 2.0), ("poor", "classical", 0.5)):
        run.learner(name, family)
        for number in range(3):
            run.trial(name, number, noisy_probabilities(truth, 2, skill, rng))
    return run


def test_predictions_come_back_in_the_order_of_the_rows(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    given = noisy_probabilities(truth, 2, 1.0, rng)
    run.trial("net", 0, given)
    record = RunReader(run.path)
    assert record.scored_rows == "all"
    np.testing.assert_array_equal(record.prediction("net-0"), given)
    some = np.array([5, 599, 0, 17])
    np.testing.assert_array_equal(record.prediction("net-0", some), given[some])
    np.testing.assert_array_equal(record.y, truth)


def test_one_learner_short_of_a_fold_puts_all_on_fold_0(run, truth, rng):
    run.learner("late")
    given = noisy_probabilities(truth, 2, 1.0, rng)
    run.trial("late", 0, given, folds=[0, 1])
    record = RunReader(run.path)
    assert record.scored_rows == "fold0"
    np.testing.assert_array_equal(record.positions, np.flatnonzero(run.fold == 0))
    np.testing.assert_array_equal(record.prediction("late-0"), given[run.fold == 0])
    np.testing.assert_array_equal(
        record.prediction("late-0", np.array([3])), given[run.fold == 0][[3]]
    )
    assert record.candidates["late"] == ("late-0",)
    assert set(leaderboard(run.path, AUC)["status"]) == {"ok"}


def test_a_trial_short_of_a_fold_is_no_candidate_where_all_rows_count(run, truth, rng):
    run.trial("good", 10, noisy_probabilities(truth, 2, 9.0, rng), folds=[0])
    run.trial("good", 9, noisy_probabilities(truth, 2, 1.0, rng))
    record = RunReader(run.path)
    assert record.scored_rows == "all"
    assert record.candidates["good"] == ("good-0", "good-1", "good-2", "good-9")


def test_folds_that_ran_on_rung_3_count_like_bags(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth, folds=2)
    given = noisy_probabilities(truth, 2, 1.0, rng)
    for fold in (0, 1):
        np.save(run.predictions / f"net-0-r3-f{fold}.npy", given[run.fold == fold])
        run.rung("net", "net-0", 3, fold)
    np.testing.assert_array_equal(RunReader(run.path).prediction("net-0"), given)


def test_rows_that_are_never_validated_are_not_scored(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth, folds=1)
    run.fold[:480] = -1
    run.save()
    given = noisy_probabilities(truth, 2, 1.0, rng)
    run.trial("net", 0, given)
    record = RunReader(run.path)
    np.testing.assert_array_equal(record.positions, np.arange(480, 600))
    np.testing.assert_array_equal(record.prediction("net-0"), given[480:])


def test_a_refit_on_every_row_predicts_alone(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth, folds=1, y_test=truth)
    run.fold[:480] = -1
    run.save()
    first, again = (noisy_probabilities(truth, 2, 1.0, rng) for _ in range(2))
    run.trial("net", 0, first, test=first)
    run.rung("net", "net-0", 4, fold=1)
    np.save(run.predictions / "net-0-r4-f1-test.npy", again)
    record = RunReader(run.path)
    assert record.scored_rows == "all"
    np.testing.assert_array_equal(record.test_prediction("net-0"), again)
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["fit_seconds"] == 2
    assert row["predict_rows_per_second"] == pytest.approx((120 + 600) / 0.5)


def test_a_fit_on_every_row_predicts_beside_those_of_folds(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth, folds=2, y_test=truth)
    first, again = (noisy_probabilities(truth, 2, 1.0, rng) for _ in range(2))
    run.trial("net", 0, first, test=first)
    run.rung("net", "net-0", 4, fold=2)
    np.save(run.predictions / "net-0-r4-f2-test.npy", again)
    record = RunReader(run.path)
    fits = record.models("net-0")
    assert [rung.fold for rung in fits] == [0, 1, 2]
    mean = (2 * first + again) / 3
    np.testing.assert_allclose(record.test_prediction("net-0"), mean, rtol=1e-5)
    assert leaderboard(run.path, AUC).iloc[0]["fit_seconds"] == sum(r.fit_seconds for r in fits)


def test_the_table_has_the_columns_of_the_contract(run):
    table = leaderboard(run.path, AUC)
    assert tuple(table.columns) == COLUMNS
    assert table["learner"].tolist() == ["good", "poor"]
    assert table["rank"].tolist() == [1, 2]
    assert table["family"].tolist() == ["deep", "classical"]
    assert table["plugin"].tolist() == ["automl_fake"] * 2
    assert (table["score_low"] < table["score"]).all()
    assert (table["score"] < table["score_high"]).all()
    assert table["trials"].tolist() == [3, 3]


def test_costs_are_those_of_all_fold_models(run):
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["fit_seconds"] == 10
    assert row["size_bytes"] == 5000
    assert row["spent_seconds"] == 3 * 5 * 2.75
    assert row["predict_rows_per_second"] == pytest.approx(120 / 0.5 / 5)


def test_a_single_configuration_is_scored_on_each_half(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    given = noisy_probabilities(truth, 2, 1.0, rng)
    run.trial("net", 0, given)
    parts = [score(AUC, truth[rows], given[rows]) for rows in (run.half == 0, run.half == 1)]
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["score"] == pytest.approx(np.average(parts, weights=np.bincount(run.half)))
    assert row["score_val"] == pytest.approx(score(AUC, truth, given))


def test_what_one_half_chose_is_scored_on_the_other(tmp_path, truth, rng):
    """A configuration that knows one half and guesses on the other gains nothing by it."""
    run = FakeRun(tmp_path / "run", truth)
    knows, guesses = noisy_probabilities(truth, 2, 8.0, rng), rng.dirichlet([1, 1], 600)
    for number, half in enumerate((0, 1)):
        run.trial("net", number, np.where((run.half == half)[:, None], knows, guesses))
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["score_val"] > 0.7
    assert row["score"] == pytest.approx(0.5, abs=0.08)


def test_the_luck_of_choosing_among_guesses_is_not_counted(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    for number in range(40):
        run.trial("net", number, rng.dirichlet([1, 1], 600))
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["score_val"] > 0.53
    assert row["score_low"] < 0.5 < row["score_high"]


def test_losses_are_ranked_upwards_and_never_sign_flipped(tmp_path, rng):
    y = rng.normal(size=500)
    run = FakeRun(tmp_path / "run", y)
    for name, noise in (("worse", 2.0), ("better", 1.0)):
        run.trial(name, 0, y + noise * rng.normal(size=500))
    table = leaderboard(run.path, RMSE)
    assert table["learner"].tolist() == ["better", "worse"]
    assert table["score"].tolist() == pytest.approx([1, 2], rel=0.15)
    assert table["ties_best"].tolist() == [True, False]


def test_a_small_paired_difference_in_much_common_noise_is_found(tmp_path, rng):
    """The two intervals overlap, the difference on the same rows does not contain 0."""
    y = rng.normal(size=2000)
    run = FakeRun(tmp_path / "run", y)
    common = y + rng.normal(size=2000)
    run.trial("a", 0, common)
    run.trial("b", 0, common + 0.2 * rng.normal(size=2000))
    run.trial("twin", 0, common + 0.001 * rng.normal(size=2000))
    table = leaderboard(run.path, RMSE).set_index("learner")
    assert table.loc["b", "score_low"] < table.loc["a", "score_high"]
    assert table["ties_best"].to_dict() == {"a": True, "twin": True, "b": False}


def test_locked_rows_score_what_validation_chose(tmp_path, truth, rng):
    y_test = rng.integers(0, 2, 300)
    run = FakeRun(tmp_path / "run", truth, y_test=y_test)
    fair = noisy_probabilities(y_test, 2, 1.0, rng)
    lucky = noisy_probabilities(y_test, 2, 9.0, rng)
    run.trial("net", 0, noisy_probabilities(truth, 2, 2.0, rng), test=fair)
    run.trial("net", 1, noisy_probabilities(truth, 2, 1.0, rng), test=lucky)
    assert scored_on(run.path) == "test"
    assert best_trials(run.path, AUC) == {"net": "net-0"}
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["score"] == pytest.approx(score(AUC, y_test, fair), abs=1e-6)


def test_a_half_with_one_class_leaves_the_other_to_judge(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    run.half[:] = (truth == 0) & (np.arange(600) % 2 == 0)
    run.save()
    given = noisy_probabilities(truth, 2, 1.0, rng)
    run.trial("net", 0, given)
    row = leaderboard(run.path, AUC).iloc[0]
    assert row["score"] == pytest.approx(score(AUC, truth[run.half == 0], given[run.half == 0]))


def test_learners_that_did_not_finish_are_rows_with_reasons(run):
    run.learner("svm", status="skipped", reason="over 10,000 rows")
    run.learner("slow")
    run.learner("broken")
    run.learner("never", status="not_reached", reason="no time was left")
    run.rung("slow", "slow-0", 1)
    run.rung("broken", "broken-0", 0, status="failed", reason="ValueError: no")
    table = leaderboard(run.path, AUC).set_index("learner")
    assert table["status"].to_dict() == {
        "good": "ok",
        "poor": "ok",
        "svm": "skipped",
        "slow": "eliminated",
        "broken": "failed",
        "never": "not_reached",
    }
    assert table.loc["svm", "reason"] == "over 10,000 rows"
    assert "others promised more" in table.loc["slow", "reason"]
    assert table.loc["slow", ["score_val", "n"]].notna().all()
    assert set(table.index[table["n"].notna()]) == {"good", "poor", "slow"}
    assert table.loc["broken", "reason"] == "ValueError: no"
    assert table.loc["never", "reason"] == "no time was left"
    assert table["rank"].isna().tolist() == [False, False, True, True, True, True]
    assert table.loc["slow", "spent_seconds"] == 2.75
    assert not table.loc["svm", "ties_best"]


def test_on_a_small_table_those_with_all_folds_are_ranked_and_the_others_eliminated(
    run, truth, rng
):
    run.small = True
    run.learner("late")
    run.trial("late", 0, noisy_probabilities(truth, 2, 1.0, rng), folds=[0, 1])
    table = leaderboard(run.path, AUC).set_index("learner")
    assert RunReader(run.path).scored_rows == "all"
    assert table["rank"].notna().to_dict() == {"good": True, "poor": True, "late": False}
    assert table.loc["late", "status"] == "eliminated"
    assert table.loc["late", ["score_val", "n"]].tolist() == [0.5, 600]


def test_on_a_small_table_without_any_learner_on_all_folds_fold_0_ranks(tmp_path, truth, rng):
    run = FakeRun(tmp_path / "run", truth)
    run.small = True
    run.learner("baseline", "baseline")
    run.learner("late")
    run.trial("baseline", 0, np.full((600, 2), 0.5))
    run.trial("late", 0, noisy_probabilities(truth, 2, 1.0, rng), folds=[0, 1])
    record = RunReader(run.path)
    assert (record.ranked, record.scored_rows) == (("baseline", "late"), "fold0")


def test_a_run_in_which_nothing_finished_still_has_its_rows(tmp_path, truth):
    run = FakeRun(tmp_path / "run", truth)
    run.learner("net")
    table = leaderboard(run.path, AUC)
    assert table["status"].tolist() == ["not_reached"]


def test_the_file_is_the_table(run):
    import pandas as pd

    table = write_leaderboard(run.path, AUC)
    again = pd.read_csv(run.path / "leaderboard.csv", keep_default_na=False, na_values=[""])
    assert again["learner"].tolist() == table["learner"].tolist()
    assert again["score"].tolist() == pytest.approx(table["score"].tolist())
    pd.testing.assert_frame_equal(leaderboard(run.path, AUC), table)


def test_an_ensemble_of_other_rows_is_left_out_with_its_reason(run):
    entry = {
        "name": "ensemble",
        "family": "ensemble",
        "plugin": "automl_ensemble",
        "members": [{"learner": "good", "trial": "good-0", "weight": 1.0}],
        "score_val": 0.9,
        "seconds": 0.1,
        "status": "ok",
        "reason": "",
    }
    (run.path / "model").mkdir()
    (run.path / "model" / "ensembles.json").write_text(json.dumps([entry]))
    np.save(run.predictions / "ensemble-crossfit.npy", np.full((10, 2), 0.5))
    row = leaderboard(run.path, AUC).set_index("learner").loc["ensemble"]
    assert row["status"] == "failed"
    assert "--resume" in row["reason"]


def test_a_folder_that_is_no_run_is_said_to_be_none(tmp_path):
    with pytest.raises(ArtifactError, match="not a readable run directory"):
        leaderboard(tmp_path, AUC)


def test_a_lost_prediction_is_named(run):
    (run.predictions / "good-0-r3-f0.npy").unlink()
    with pytest.raises(ArtifactError, match=r"good-0-r3-f0\.npy"):
        leaderboard(run.path, AUC)


@pytest.mark.parametrize(
    ("ties", "expected"),
    [
        ((False, True, True), "blend"),  # the highest ensemble that ties with the best learner
        ((False, False, True), "deep_blend"),
        ((False, False, False), "forest"),
    ],
)
def test_what_predicts_is_the_highest_ensemble_unless_a_learner_is_clearly_ahead(ties, expected):
    board = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "learner": ["forest", "blend", "deep_blend"],
            "family": ["classical", "ensemble", "ensemble"],
            "status": "ok",
            "ties_best": ties,
            "score_val": [0.9, 0.7, 0.8],
            "size_bytes": [1, 1, 1],
        }
    )
    assert of_choice(board, AUC, [], locked=False) == expected
    if any(ties):  # of those that tie, one over all learners
        assert of_choice(board, AUC, ["deep_blend"], locked=False) == "deep_blend"
    first = board.assign(family=["ensemble", "ensemble", "classical"])
    assert of_choice(first, AUC, [], locked=False) == "forest"
    # what locked rows say must not choose
    assert of_choice(board, AUC, [], locked=True) == "deep_blend"
    assert of_choice(board, RMSE, [], locked=True) == "blend"


def test_a_poorer_ensemble_that_happens_to_tie_does_not_predict():
    board = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "learner": ["deep_blend", "blend", "stack"],
            "family": "ensemble",
            "status": "ok",
            "ties_best": [True, False, True],  # the last differs more from the first, row by row
            "score_val": [0.9, 0.8, 0.7],
            "size_bytes": [1, 1, 1],
        }
    )
    assert of_choice(board, AUC, ["blend", "stack"], locked=False) == "deep_blend"


def test_what_predicts_is_as_fast_as_was_asked_for():
    board = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "learner": ["blend", "forest", "linear"],
            "family": ["ensemble", "classical", "classical"],
            "status": "ok",
            "ties_best": [True, True, False],
            "score_val": [0.9, 0.8, 0.7],
            "size_bytes": [1, 1, 1],
            "predict_rows_per_second": [100.0, 1_000.0, 500.0],
        }
    )

    def chosen(seconds, board=board):
        return of_choice(board, AUC, ["blend"], locked=False, row_seconds=seconds)

    assert [chosen(seconds) for seconds in (0.02, 0.002, 0.0002)] == ["blend", "forest", "forest"]
    unmeasured = board.assign(predict_rows_per_second=[100.0, 1_000.0, float("nan")])
    assert chosen(0.0002, unmeasured) == "linear"  # its seconds were too few to be measured


def test_what_has_no_saved_model_does_not_predict():
    board = pd.DataFrame(
        {
            "rank": [1, 2, 3],
            "learner": ["stranger", "forest", "linear"],
            "family": "classical",
            "status": "ok",
            "ties_best": [True, True, False],
            "score_val": [0.9, 0.8, 0.7],
            "size_bytes": pd.array([None, 1, 1], dtype="Int64"),
        }
    )
    assert of_choice(board, AUC, [], locked=False) == "forest"
    nobody = board.assign(size_bytes=pd.NA)
    assert of_choice(nobody, AUC, [], locked=False) == "stranger"
