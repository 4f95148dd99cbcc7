"""XGBoost, LightGBM or CatBoost on a tiny table, printing each round as they do by themselves."""

from __future__ import annotations

import argparse

import numpy as np
import recording

ROUNDS = 12


def table() -> tuple[np.ndarray, ...]:
    source = np.random.default_rng(1)
    inputs = source.normal(size=(200, 6))
    targets = (inputs[:, 0] + source.normal(size=200) > 0).astype(int)
    return inputs[:140], targets[:140], inputs[140:], targets[140:]


def xgboost(output_dir: str) -> list[dict]:
    import xgboost as xgb

    x, y, held_x, held_y = table()
    train, held_out = xgb.DMatrix(x, y), xgb.DMatrix(held_x, held_y)
    result: dict = {}
    xgb.train(
        {"objective": "binary:logistic", "eval_metric": ["logloss", "error"], "nthread": 1},
        train, ROUNDS, [(train, "train"), (held_out, "eval")], evals_result=result,
    )  # fmt: skip
    return [
        recording.point(split, f"{split}-{name}", round(value, 5), step)
        for split, metrics in result.items()
        for name, values in metrics.items()
        for step, value in enumerate(values)
    ]


def xgboost_sklearn(output_dir: str) -> list[dict]:
    from xgboost import XGBClassifier

    x, y, held_x, held_y = table()
    model = XGBClassifier(n_estimators=ROUNDS, n_jobs=1, eval_metric="logloss")
    model.fit(x, y, eval_set=[(held_x, held_y)])
    return [
        recording.point("eval", "validation_0-logloss", round(value, 5), step)
        for step, value in enumerate(model.evals_result()["validation_0"]["logloss"])
    ]


def lightgbm(output_dir: str) -> list[dict]:
    import lightgbm as lgb

    x, y, held_x, held_y = table()
    train = lgb.Dataset(x, y)
    result: dict = {}
    lgb.train(
        {"objective": "binary", "metric": "binary_logloss", "num_threads": 1, "verbosity": -1},
        train, ROUNDS, [train, lgb.Dataset(held_x, held_y, reference=train)],
        callbacks=[lgb.log_evaluation(1), lgb.record_evaluation(result)],
    )  # fmt: skip
    return [
        recording.point(
            "train" if name == "training" else "eval", f"{name}'s {metric}", float(f"{v:g}"), step
        )
        for name, metrics in result.items()
        for metric, values in metrics.items()
        for step, v in enumerate(values, 1)
    ]


def catboost(output_dir: str) -> list[dict]:
    from catboost import CatBoostClassifier

    x, y, held_x, held_y = table()
    model = CatBoostClassifier(iterations=ROUNDS, thread_count=1, train_dir=output_dir)
    model.fit(x, y, eval_set=(held_x, held_y))
    return [
        recording.point(
            "train" if name == "learn" else "eval", name.replace("validation", "test"), value, step
        )
        for name, metrics in model.get_evals_result().items()
        for step, value in enumerate(metrics["Logloss"])
    ]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("library", choices=["xgboost", "xgboost_sklearn", "lightgbm", "catboost"])
    parser.add_argument("--output_dir", required=True)
    args = parser.parse_args()
    recording.write(args.output_dir, globals()[args.library](args.output_dir))


if __name__ == "__main__":
    main()
