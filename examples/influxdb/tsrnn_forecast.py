"""
{
  "plugin_type": ["onwrite"],
  "onwrite_args_config": [
    {
      "name": "table",
      "example": "power",
      "description": "Table whose rows are forecast, one for each time stamp.",
      "required": true
    },
    {
      "name": "field",
      "example": "load",
      "description": "Field of that table to forecast.",
      "required": true
    },
    {
      "name": "horizon",
      "example": "24",
      "description": "Steps ahead; 24 by default.",
      "required": false
    },
    {
      "name": "history",
      "example": "2000",
      "description": "Rows of the first fit, at most; 2000 by default.",
      "required": false
    },
    {
      "name": "coverage",
      "example": "0.9",
      "description": "Share of the values that intervals are to cover; 0.9 by default.",
      "required": false
    }
  ]
}
"""

# A plugin of InfluxDB 3's processing engine: it learns every row that is written to a table, and
# writes forecasts with intervals to the table <table>_forecast.
#
#   influxdb3 install package tsrnn
#   influxdb3 create trigger --trigger-spec "table:power" --plugin-filename tsrnn_forecast.py \
#       --trigger-arguments table=power,field=load --database home forecast_power
#
# The model lives in the engine's cache, as bytes. After a restart of the server it is fitted anew
# to the newest rows of the table. `LineBuilder` and `influxdb3_local` are put in by the engine.

import pandas as pd

import tsrnn

LEAST_ROWS = 50  # of a first fit


def process_writes(influxdb3_local, table_batches, args=None):
    """Learn the rows that were written, and write the forecast after them."""
    args = args or {}
    missing = [name for name in ("table", "field") if not args.get(name)]
    if missing:
        influxdb3_local.error(f"tsrnn: found no {missing}, expected them as trigger arguments")
        return
    table, field = args["table"], args["field"]
    batches = [batch["rows"] for batch in table_batches if batch["table_name"] == table]
    rows = frame_of([row for batch in batches for row in batch], field)
    if rows.empty:
        return
    key = f"tsrnn:{table}:{field}"
    content = influxdb3_local.cache.get(key)
    try:
        if content is None:
            model = first_fit(influxdb3_local, args)
        else:
            model = tsrnn.loads(content).partial_fit(rows)
    except (ValueError, tsrnn.CheckpointError) as error:
        influxdb3_local.error(f"tsrnn: {error}")  # the model is as it was
        return
    if model is None:
        return
    influxdb3_local.cache.put(key, tsrnn.dumps(model))
    coverage = float(args.get("coverage", 0.9))
    forecast = model.forecast(coverage=coverage)
    bounds = f"{field}_lower_{coverage}", f"{field}_upper_{coverage}"
    for time, values in forecast.iterrows():
        line = LineBuilder(f"{table}_forecast")  # noqa: F821 - a builtin of the engine
        line.float64_field(field, float(values[field]))
        for name, column in zip(("lower", "upper"), bounds, strict=True):
            line.float64_field(name, float(values[column]))
        line.time_ns(int(time.as_unit("ns").value))
        influxdb3_local.write(line)
    influxdb3_local.info(f"tsrnn: learnt to {model.cutoff_}, forecast {len(forecast)} steps")


def first_fit(influxdb3_local, args):
    """Return a model of the newest rows of the table, None while there are too few."""
    table, field = args["table"], args["field"]
    found = influxdb3_local.query(
        f'SELECT time, "{field}" FROM "{table}" WHERE "{field}" IS NOT NULL '
        f"ORDER BY time DESC LIMIT {int(args.get('history', 2000))}"
    )
    history = frame_of(found, field)
    if len(history) < LEAST_ROWS:
        influxdb3_local.info(f"tsrnn: {len(history)} rows of {table}, waiting for {LEAST_ROWS}")
        return None
    horizon = int(args.get("horizon", 24))
    return tsrnn.RNNForecaster(horizon, late="drop", random_state=0).fit(history)


def frame_of(rows, field):
    """Return rows (dicts with ``time`` in nanoseconds) as a frame, in the order of time."""
    known = [(row["time"], row[field]) for row in rows if row.get(field) is not None]
    times, values = zip(*known, strict=True) if known else ((), ())
    index = pd.DatetimeIndex(pd.to_datetime(list(times)), name="time")
    frame = pd.DataFrame({field: pd.Series(values, dtype=float).to_numpy()}, index).sort_index()
    return frame[~frame.index.duplicated(keep="last")]
