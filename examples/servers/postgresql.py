"""Forecast rows that arrive in a table of PostgreSQL, and write the forecasts back.

Rows are learnt one by one. Their forecasts and the model go to the database in one transaction, so
that nothing is lost or doubled, whenever the script is killed: it goes on where it was.

    pip install tsrnn sqlalchemy "psycopg[binary]"
    python examples/servers/postgresql.py --url postgresql+psycopg:///energy

The table `load` has the columns `time` and `load`, an hour a row; rows come in the order of time.
Forecasts are in `load_forecasts`, the model in `load_model`.
"""

import argparse
import time

import pandas as pd
from sqlalchemy import create_engine, text

import tsrnn

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--url", default="postgresql+psycopg:///energy")
parser.add_argument("--horizon", type=int, default=24, help="hours to forecast")
parser.add_argument("--max-iter", type=int, default=300, help="training steps of the fit")
parser.add_argument("--seconds", type=float, default=1.0, help="between two looks for rows")
parser.add_argument("--once", action="store_true", help="end where there is no new row")
args = parser.parse_args()

AT_ONCE = 20  # rows of a transaction
TABLES = """
CREATE TABLE IF NOT EXISTS load_forecasts
    (cutoff timestamp, time timestamp, load double precision, PRIMARY KEY (cutoff, time));
CREATE TABLE IF NOT EXISTS load_model (model bytea NOT NULL)
"""


def first_model(connection):
    """Return the model that was saved, or one fitted on the rows that are there, and save it."""
    saved = connection.scalar(text("SELECT model FROM load_model"))
    if saved is not None:
        return tsrnn.loads(saved)
    history = pd.read_sql("SELECT time, load FROM load ORDER BY time", connection, index_col="time")
    model = tsrnn.RNNForecaster(args.horizon, max_iter=args.max_iter, random_state=0).fit(history)
    connection.execute(
        text("INSERT INTO load_model VALUES (:model)"), {"model": tsrnn.dumps(model)}
    )
    return model


def new_rows(connection, model):
    """Return rows that the model has not seen, some at most."""
    query = text("SELECT time, load FROM load WHERE time > :cutoff ORDER BY time LIMIT :n")
    params = {"cutoff": model.cutoff_.to_pydatetime(), "n": AT_ONCE}
    return pd.read_sql(query, connection, params=params, index_col="time")


engine = create_engine(args.url)
with engine.begin() as connection:
    for table in TABLES.split(";"):
        connection.execute(text(table))
    model = first_model(connection)
print(f"goes on after {model.cutoff_}", flush=True)

while True:
    with engine.begin() as connection:  # all of it, or nothing
        rows, forecasts = new_rows(connection, model), []
        for row in range(len(rows)):
            model.partial_fit(rows[row : row + 1])
            ahead = model.forecast().rename_axis("time").reset_index()
            forecasts.append(ahead.assign(cutoff=model.cutoff_))
        if forecasts:
            pd.concat(forecasts).to_sql(
                "load_forecasts", connection, if_exists="append", index=False, method="multi"
            )
            connection.execute(
                text("UPDATE load_model SET model = :model"), {"model": tsrnn.dumps(model)}
            )
    if rows.empty:
        if args.once:
            break
        time.sleep(args.seconds)
