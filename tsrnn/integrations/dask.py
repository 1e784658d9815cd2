"""A panel on Dask: each partition keeps its series on its worker, and all learn as one panel.

Installed by ``pip install "tsrnn[dask]"``.
"""

from __future__ import annotations  # the reference is made without Dask

import asyncio
import itertools
import pickle
import time
import uuid
import weakref
import zipfile
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import clone

from tsrnn.estimators import road
from tsrnn.estimators.forecaster import RNNForecaster
from tsrnn.online.storage.values import twin
from tsrnn.partitions import added, working_for
from tsrnn.persistence import CheckpointError, dumps, loads
from tsrnn.persistence.atomic import replacing

try:
    import dask.dataframe as dd
    from dask import config
    from distributed import Client, get_client
except ImportError as error:
    raise ImportError(
        "tsrnn.integrations.dask needs dask and distributed, which are not installed; "
        'pip install "tsrnn[dask]"'
    ) from error

__all__ = ["DaskForecaster", "start_local_cluster"]

LOOK_EVERY = 2.0  # seconds between two looks at whether the workers are there

#: What glibc's allocator is told: Dask's own setting gives memory back to the system after each
#: call, and gets it anew in the next; one arena for each thread keeps what it has.
ALLOCATOR = {"MALLOC_TRIM_THRESHOLD_": "268435456", "MALLOC_MMAP_THRESHOLD_": "268435456"}


def start_local_cluster(n_workers: int | None = None, **options: Any) -> Client:
    """Start workers on this machine, set as panels want them; return a client of theirs.

    Each worker is a process with one thread, BLAS included, whose allocator keeps memory that is
    free: with Dask's setting (``MALLOC_TRIM_THRESHOLD_=65536``) a prototype was 40 % slower.

    Parameters
    ----------
    n_workers : int, optional
        By default one for each core.
    **options
        Of `distributed.LocalCluster`, such as ``memory_limit``.

    Returns
    -------
    distributed.Client
        Closing it stops the workers.
    """
    limits = {f"{name}_NUM_THREADS": "1" for name in ("OMP", "OPENBLAS", "MKL")}
    settings = {"n_workers": n_workers, "threads_per_worker": 1, "dashboard_address": ":0"}
    with config.set({"distributed.nanny.pre-spawn-environ": ALLOCATOR | limits}):
        return Client(**settings | options)


class DaskForecaster:
    """An `RNNForecaster` of a panel whose series lie in the partitions of a Dask DataFrame.

    The forecaster of each partition stays on a worker, as a Dask actor, and holds the series of
    the partition. All learn as one: at each time stamp, sums over series are added up over the
    partitions, so that forecasts, intervals and weights are those of one machine up to rounding.
    What goes over the network is these sums, some 150 KB a time stamp and partition, whatever the
    number of series.

    Parameters
    ----------
    model : RNNForecaster
        Not fitted, with ``id_col`` and ``time_col``.
    client : distributed.Client, optional
        By default the one that was made last.

    Attributes
    ----------
    n_partitions_ : int
        Partitions that hold series.
    rounds_ : tuple of int and float
        How often the partitions have met in the last call, one time each stamp and a few for the
        call, and the seconds that the last to come has waited for the sums.

    Notes
    -----
    Frames are long ones, with the columns of ids and times (the ids may be the index). The rows of
    a series have to lie in one partition, in the order of time; divisions need not be known. Later
    frames may be divided otherwise: rows are sent where their series is.

    ``max_series`` and time zones whose clocks change are not supported. Of several partitions on
    one worker, which share its memory and its Python, the calls run in threads.

    Examples
    --------
    >>> import dask.dataframe as dd
    >>> import numpy as np
    >>> import pandas as pd
    >>> from tsrnn import RNNForecaster
    >>> from tsrnn.integrations.dask import DaskForecaster, start_local_cluster
    >>> hours = pd.date_range("2024", periods=80, freq="h")
    >>> wave = np.sin(np.arange(80) / 24 * 2 * np.pi)
    >>> sold = pd.concat(
    ...     pd.DataFrame({"shop": name, "time": hours, "sold": level * (2.0 + wave)})
    ...     for level, name in enumerate("abcd", start=1)
    ... )
    >>> frame = dd.from_pandas(sold.set_index("shop"), npartitions=2)
    >>> with start_local_cluster(2, processes=False) as client:
    ...     model = RNNForecaster(2, id_col="shop", time_col="time", hidden_size=4, max_iter=3)
    ...     forecaster = DaskForecaster(model).fit(frame)
    ...     forecast = forecaster.forecast(horizon=1).compute()
    >>> forecast["shop"].tolist()
    ['a', 'b', 'c', 'd']
    """

    def __init__(self, model: RNNForecaster, client: Client | None = None):
        if not isinstance(model, RNNForecaster):
            raise TypeError(
                f"found a {type(model).__name__}, expected an RNNForecaster; of estimators whose "
                "series share nothing, fit one in each partition: frame.map_partitions"
            )
        if model.id_col is None or model.time_col is None:
            raise ValueError(
                f"found id_col={model.id_col!r} and time_col={model.time_col!r}, expected the "
                "columns of ids and times of a long frame; pass both"
            )
        if model.max_series is not None:
            raise ValueError(
                f"found max_series={model.max_series}, expected None: partitions do not evict "
                "series; drop it, and bound the panel by what comes in"
            )
        self.model = model
        self.client = client
        self._partitions: list = []
        self._owners: dict = {}  # number of the partition of each series
        self._n_calls, self._gone = 0, ""

    # --- rows -------------------------------------------------------------------------------------

    def fit(self, X: dd.DataFrame) -> Self:
        """Forget everything, learn from this history; as of `RNNForecaster`.

        Parameters
        ----------
        X : dask.dataframe.DataFrame
            Long frame; each of its partitions that has rows becomes a partition of the panel.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError
            X is no Dask DataFrame.
        ValueError
            The rows or the parameters cannot be used, or a series lies in two partitions; nothing
            has changed.
        RuntimeError
            A worker has died.
        """
        pieces, ids = self._pieces(X)
        owners = self._owners_of(ids)
        kept = [(piece, own) for piece, own in zip(pieces, ids, strict=True) if len(own)]
        if not kept:
            raise ValueError("found no rows, expected a history; see what the frame was read from")
        owners = {name: number for number, (_, own) in enumerate(kept) for name in own}
        fitted = DaskForecaster(self.model, self.client)
        fitted._start([dumps(clone(self.model))] * len(kept))
        fitted._call("fit", [[(piece, None)] for piece, _ in kept])
        self._partitions, self._held = fitted._partitions, fitted._held
        self._meeting = fitted._meeting
        self._owners, self._n_calls, self._gone = owners, fitted._n_calls, ""
        self.rounds_ = fitted.rounds_
        return self

    def partial_fit(self, X: dd.DataFrame) -> Self:
        """Learn from new rows, stamp by stamp; the first call is ``fit``.

        Parameters
        ----------
        X : dask.dataframe.DataFrame
            Rows after those seen, of any of the series or of new ones, which stay in the partition
            that they come in.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As in ``fit``; nothing has changed.
        """
        if not self._partitions:
            return self.fit(X)
        return self._take(X, "learn")

    def update(self, X: dd.DataFrame) -> Self:
        """Take in new rows without learning; as of `RNNForecaster`.

        Parameters
        ----------
        X : dask.dataframe.DataFrame
            As in ``partial_fit``.

        Returns
        -------
        self : object

        Raises
        ------
        TypeError, ValueError, RuntimeError
            As in ``fit``; nothing has changed.
        """
        return self._take(X, "advance")

    def forecast(
        self,
        horizon: int | None = None,
        X_future: Any = None,
        coverage: float | list[float] | None = None,
        quantiles: list[float] | None = None,
        ids: Any = None,
        active: bool | int = False,
    ) -> dd.DataFrame:
        """Forecast the values after the last rows seen; each partition its own series.

        Parameters
        ----------
        horizon, coverage, quantiles, active : optional
            As of `RNNForecaster.forecast`.
        X_future : Dask or pandas DataFrame, optional
            The ``future_cols`` of the steps ahead, with ids and times, divided in any way.
        ids : id or list of ids, optional
            The series to forecast.

        Returns
        -------
        dask.dataframe.DataFrame
            Of as many partitions as the panel has. The forecasts are made when this returns.

        Raises
        ------
        ValueError
            As of `RNNForecaster.forecast`.
        RuntimeError
            A worker has died.
        """
        self._require_fitted()
        client, ahead, newest = self._client, [], None
        if isinstance(X_future, dd.DataFrame):
            ahead = client.compute(X_future.to_delayed())
        elif X_future is not None:
            ahead = [client.scatter(X_future)]
        if active is not False:
            within = 0 if active is True else active
            newest = max(self._all("newest")) - within
        wanted = [None] * len(self._partitions)
        if ids is not None:
            wanted = self._by_partition(ids)
        asked = {"horizon": horizon, "coverage": coverage, "quantiles": quantiles}
        frames = [
            self._submit(number, _forecast_of, asked, own, newest, *ahead)
            for number, own in enumerate(wanted)
        ]
        none = self._awaited([client.submit(_no_rows, frame) for frame in frames])
        return dd.from_delayed(frames, meta=none[0], verify_meta=False)

    # --- the whole --------------------------------------------------------------------------------

    def save(self, path: Any) -> None:
        """Write the whole panel to one file, a partition at a time, for `load`.

        Parameters
        ----------
        path : str or Path
            Replaced in one step, once the new content is safely on the disk.

        Raises
        ------
        OSError
            The file cannot be written; what was there before is as it was.
        RuntimeError
            A worker has died.
        """
        self._require_fitted()
        with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
            for number in range(len(self._partitions)):
                archive.writestr(f"partition-{number}", self._content_of(number))

    @classmethod
    def load(cls, path: Any, client: Client | None = None) -> Self:
        """Read a panel that `save` has written, onto the workers there are now.

        Parameters
        ----------
        path : str or Path
        client : distributed.Client, optional

        Returns
        -------
        DaskForecaster
            Which goes on as the saved one would have.

        Raises
        ------
        tsrnn.persistence.CheckpointError
            The file holds no such panel, or is damaged. No file can run code.
        OSError
            The file cannot be read.
        """
        with open(path, "rb") as file:
            return cls._of_contents(_contents_of(file, path), client)

    @classmethod
    def from_local(
        cls, model: RNNForecaster, n_partitions: int, client: Client | None = None
    ) -> Self:
        """Divide a fitted forecaster, such as one that was fitted to a sample of the series.

        Parameters
        ----------
        model : RNNForecaster
            Of a panel; it stays as it was.
        n_partitions : int
        client : distributed.Client, optional

        Returns
        -------
        DaskForecaster
        """
        ids = model.cutoff_.index
        if not 1 <= n_partitions <= len(ids):
            raise ValueError(
                f"found n_partitions={n_partitions}, expected 1 to {len(ids)}, the number of series"
            )
        cuts = np.array_split(np.arange(len(ids)), n_partitions)
        return cls._of_contents((dumps(model.split(ids[own])) for own in cuts), client)

    @classmethod
    def _of_contents(cls, contents, client):
        """Return a forecaster of partitions out of their bytes, which are looked at one by one."""
        contents = iter(contents)
        content = next(contents)
        forecaster = cls(clone(loads(content)), client)
        for more in itertools.chain([content], contents):
            ids, number = loads(more).cutoff_.index, len(forecaster._partitions)
            forecaster._owners |= dict.fromkeys(ids, number)
            forecaster._start([more])
        return forecaster

    def to_local(self) -> RNNForecaster:
        """Return the whole panel as one forecaster of this process, which goes on by itself."""
        self._require_fitted()
        first, *others = (loads(self._content_of(n)) for n in range(len(self._partitions)))
        whole, parts = twin(first), [first, *others]
        whole._state = road.joined([part._state for part in parts])
        names, errors = zip(*(part._naive_error for part in parts), strict=True)
        whole._naive_error = names[0].append(list(names[1:])), np.concatenate(errors)
        return whole

    # --- partitions -------------------------------------------------------------------------------

    @property
    def n_partitions_(self) -> int:
        """Partitions that hold series."""
        return len(self._partitions)

    @property
    def _client(self):
        return self.client or get_client()

    def _require_fitted(self):
        if self._gone:
            raise RuntimeError(self._gone)
        if not self._partitions:
            raise ValueError("found no fitted partitions, expected some; call fit, or load")

    def _start(self, contents):
        """Start partitions of estimators of which the bytes are given, each on the next worker."""
        client = self._client
        workers = sorted(client.scheduler_info(n_workers=-1)["workers"])
        if not workers:
            raise RuntimeError("found no workers, expected one or more; start some")
        alone = {"actor": True, "pure": False, "allow_other_workers": False}
        if not self._partitions:  # futures are held on to, else actors are let go
            future = client.submit(_Meeting, workers=workers[:1], **alone)
            self._meeting, self._held = future.result(), [future]
        for content in contents:
            name = f"tsrnn-{uuid.uuid4().hex}"
            place = {"workers": [workers[len(self._partitions) % len(workers)]], **alone}
            [content] = client.scatter([content], workers=place["workers"], hash=False)
            future = client.submit(_Partition, name, content, self._held[0], **place)
            self._partitions.append((name, place["workers"], future.result()))
            self._held.append(future)

    def _submit(self, number, function, *args):
        """Call a function of a partition, found by its name, on its worker; return the future."""
        name, workers, _ = self._partitions[number]
        place = {"workers": workers, "allow_other_workers": False, "pure": False}
        return self._client.submit(function, name, *args, **place)

    def _pieces(self, X):
        """Return the partitions of a frame as futures, and the ids in each."""
        if not isinstance(X, dd.DataFrame):
            raise TypeError(
                f"found {type(X).__name__}, expected a Dask DataFrame; convert it: "
                f"dd.from_pandas(X.set_index({self.model.id_col!r}), npartitions=...)"
            )
        pieces = self._client.compute(X.to_delayed())
        return pieces, self._client.gather(
            self._client.map(_ids_of, pieces, id_col=self.model.id_col)
        )

    def _owners_of(self, ids):
        """Return by id the number of the part of a frame that it lies in, refuse those in two."""
        names = [name for own in ids for name in own]
        twice = pd.Index(names)[pd.Index(names).duplicated()].unique()
        if len(twice):
            raise ValueError(
                f"found {len(twice)} ids whose rows lie in two partitions, such as "
                f"{twice[:3].tolist()}, expected those of a series in one; bring them together: "
                f"X.shuffle({self.model.id_col!r}), and sort by time "
                "within partitions: X.map_partitions(lambda part: part.sort_values(...))"
            )
        return {name: number for number, own in enumerate(ids) for name in own}

    def _take(self, X, how):
        self._require_fitted()
        pieces, ids = self._pieces(X)
        self._owners_of(ids)
        owners, routes = dict(self._owners), [[] for _ in self._partitions]
        for number, (piece, own) in enumerate(zip(pieces, ids, strict=True)):
            known = [owners[name] for name in own if name in owners]
            # New series go where the others of their part of the frame are.
            default = max(set(known), key=known.count) if known else number % len(routes)
            owners |= {name: default for name in own if name not in owners}
            places = np.array([owners[name] for name in own], dtype=int)
            for place in np.unique(places):
                some = None if (places == place).all() else own[places == place]
                routes[place].append((piece, some))
        if any(routes):
            self._call(how, routes)
            self._owners = owners
        return self

    def _by_partition(self, ids):
        """Return those of some ids that each partition holds."""
        ids = [ids] if isinstance(ids, str) or not np.iterable(ids) else list(ids)
        unknown = [name for name in ids if name not in self._owners]
        if unknown:
            raise ValueError(
                f"found ids {unknown[:5]} that were never seen, expected ids out of the "
                f"{len(self._owners)} series; correct them"
            )
        numbers = range(len(self._partitions))
        return [[name for name in ids if self._owners[name] == number] for number in numbers]

    def _call(self, how, routes):
        """Let all partitions take in their rows together, or none."""
        self._n_calls += 1
        call = self._n_calls
        self._awaited(
            [
                self._submit(number, _hand_over, call, [own for _, own in pieces],
                             *(piece for piece, _ in pieces))
                for number, pieces in enumerate(routes)
            ]
        )  # fmt: skip
        rounds = self._all("take", how, call, len(routes))
        self._all("commit", call)
        self.rounds_ = rounds[0][0], min(seconds for _, seconds in rounds)

    def _content_of(self, number):
        return self._awaited([self._submit(number, _content_of)])[0]

    def _all(self, method, *args):
        """Return what a method of every partition returns; if one fails, the others give up."""

        async def one(number, partition):
            try:
                return await getattr(partition, method)(number, *args)
            except Exception as error:
                reason = f"partition {number} has failed"
                await self._meeting.give_up(self._n_calls, reason)
                raise error

        async def together():
            calls = (one(n, partition) for n, (_, _, partition) in enumerate(self._partitions))
            results = await asyncio.gather(*calls, return_exceptions=True)
            errors = [result for result in results if isinstance(result, BaseException)]
            if errors:
                raise min(errors, key=lambda error: isinstance(error, _GivenUp))
            return results

        return self._unless_gone(together)

    def _awaited(self, futures):
        """Return the results of functions of the partitions."""
        return self._unless_gone(lambda: self._client.gather(futures, asynchronous=True))

    def _unless_gone(self, make):
        """Return what a coroutine does, unless a worker dies meanwhile, which ends the forecaster.

        Parameters
        ----------
        make : callable
            ``make()`` returns the coroutine.
        """

        async def watched():
            waiting = asyncio.ensure_future(make())
            try:
                while not (await asyncio.wait([waiting], timeout=LOOK_EVERY))[0]:
                    await self._require_workers()
                return waiting.result()
            except _Gone:
                raise
            except Exception as error:
                await self._require_workers()
                if isinstance(error, OSError):
                    raise _Gone(str(error)) from error
                raise
            finally:
                waiting.cancel()

        try:
            return self._client.sync(watched)
        except _Gone as error:
            self._partitions, self._held = [], []
            self._gone = (
                f"found a worker that has gone ({error}), and with it the series that it held; "
                "go on from what was saved last: DaskForecaster.load(path)"
            )
            raise RuntimeError(self._gone) from error

    async def _require_workers(self):
        there = (await self._client.scheduler.identity(n_workers=-1))["workers"]
        gone = {worker for _, [worker], _ in self._partitions if worker not in there}
        if gone:
            raise _Gone(", ".join(sorted(gone)))


def _contents_of(file, path):
    """Yield the bytes of the partitions that a file holds."""
    try:
        archive = zipfile.ZipFile(file)
        infos = archive.infolist()
    except Exception as error:  # whatever zipfile stumbles over
        raise CheckpointError(f"cannot load {path}: it is damaged: {error}") from error
    stored = all(info.compress_type == zipfile.ZIP_STORED for info in infos)
    names = [f"partition-{number}" for number in range(len(infos))]
    if not infos or not stored or [info.filename for info in infos] != names:
        raise CheckpointError(
            f"cannot load {path}: it is no panel that DaskForecaster.save has written; read what "
            "an estimator has saved by tsrnn.load, and divide it by DaskForecaster.from_local"
        )
    for name in names:
        try:
            content = archive.read(name)
        except Exception as error:
            raise CheckpointError(f"cannot load {path}: it is damaged: {error}") from error
        yield content


# --- on the workers -------------------------------------------------------------------------------

_HERE: weakref.WeakValueDictionary = weakref.WeakValueDictionary()  # partitions, by name


class _GivenUp(RuntimeError):
    """Another partition has failed."""


class _Gone(RuntimeError):
    """The worker of a partition has died."""


def _here(name):
    """Return a partition of this worker."""
    try:
        return _HERE[name]
    except KeyError:
        raise _Gone("it was started again") from None


class _Meeting:
    """An actor in which partitions meet: what all have brought to a round is given to each."""

    def __init__(self):
        self._call, self._given_up, self._rounds = 0, "", {}

    async def meet(self, call, n_partitions, number, what, content):
        """Return, pickled, what all partitions have brought, once the last one has come.

        Parameters
        ----------
        call : int
            Calls of the forecaster are counted; only one goes on at a time.
        n_partitions, number : int
        what : tuple
            Number of the round, and how to join.
        content : bytes
            What this partition brings, pickled.
        """
        self._begin(call)
        if self._given_up or call < self._call:
            raise _GivenUp(self._given_up or "a later call has begun")
        if what not in self._rounds:
            self._rounds[what] = {}, asyncio.get_running_loop().create_future()
        brought, answer = self._rounds[what]
        brought[number] = content
        if len(brought) == n_partitions:
            del self._rounds[what]
            answer.set_result(_joined(*what[1:], [brought[n] for n in range(n_partitions)]))
        return await answer

    async def give_up(self, call, reason):
        """Let all who wait in a call, or come to it, fail."""
        self._begin(call)
        if call == self._call:
            self._given_up = reason
            self._dismiss(reason)

    def _begin(self, call):
        if call > self._call:
            self._dismiss("a later call has begun")
            self._call, self._given_up, self._rounds = call, "", {}

    def _dismiss(self, reason):
        for _, answer in self._rounds.values():
            if not answer.done():
                answer.set_exception(_GivenUp(reason))
        self._rounds = {}


def _joined(how, by, brought):
    """Return what partitions have brought, bytes, as they are given it."""
    if how == "made":
        return brought[by]
    values = [pickle.loads(content) for content in brought]
    if how == "gathered":
        full = [rows for rows in values if len(rows)]
        return pickle.dumps(np.concatenate(full) if full else values[0], 5)
    total = values[0]
    for other in values[1:]:
        total = added(total, other)
    return pickle.dumps(total, 5)


class _Member:
    """A partition in a call, as `tsrnn.partitions` asks for one."""

    def __init__(self, meet, call, number, n_partitions):
        self._meet, self._call = meet, call
        self.number, self.n_partitions = number, n_partitions
        self.n_rounds, self.seconds = 0, 0.0

    def total(self, sums):
        """Return sums over all partitions."""
        return self._joined("total", 0, sums)

    def gathered(self, rows):
        """Return the rows of all partitions."""
        return self._joined("gathered", 0, rows)

    def made_once(self, make, by=0):
        """Return what one partition makes."""
        return self._joined("made", by, make() if by == self.number else None)

    def _joined(self, how, by, value):
        begin = time.perf_counter()
        self.n_rounds += 1
        what = self.n_rounds, how, by
        content = pickle.dumps(value, 5)
        answer = self._meet(self._call, self.n_partitions, self.number, what, content)
        found = pickle.loads(answer.result())
        self.seconds += time.perf_counter() - begin
        return found


class _Partition:
    """An actor: the forecaster of the series of a partition.

    Parameters
    ----------
    name : str
        By which functions on the same worker find it.
    content : bytes
        Of the forecaster.
    meeting : Actor
        A `_Meeting`.
    """

    def __init__(self, name, content, meeting):
        self.model, self._meet = loads(content), meeting.meet
        self._held, self._pending = None, None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=name)
        _HERE[name] = self

    def hold(self, call, rows):
        """Keep the rows of a call, a frame or None."""
        self._held = call, rows

    async def take(self, number, how, call, n_partitions):
        """Take in the rows that are held, together with the other partitions; see `commit`."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._take, number, how, call, n_partitions)

    def _take(self, number, how, call, n_partitions):
        held, rows = self._held
        if held != call:
            raise RuntimeError(f"found rows of call {held}, expected those of {call}")
        self._held = self._pending = None
        member = _Member(self._meet, call, number, n_partitions)
        with working_for(member):
            try:
                if how == "fit":
                    after = clone(self.model).fit(rows)
                else:
                    after = twin(self.model)
                    read = (
                        after._reader.no_rows() if rows is None else after._reader.read(after, rows)
                    )
                    after._state = road.take(after, after._state, read, how)
            except Exception as error:
                error.add_note(f"in partition {number}")
                raise
        self._pending = call, after
        return member.n_rounds, member.seconds

    async def commit(self, number, call):
        """Be what the call has led to."""
        made, after = self._pending
        if made != call:
            raise RuntimeError(f"found what call {made} has led to, expected that of {call}")
        self.model, self._pending = after, None

    async def newest(self, number):
        """Return the position of the newest row."""
        return int(self.model._state.learner.heads.max())


def _flat(frame, id_col):
    """Return a frame whose ids are a column, those that are texts plain ones."""
    is_index = frame.index.name == id_col and id_col not in frame.columns
    if not is_index and id_col not in frame.columns:
        raise ValueError(
            f"found the columns {list(frame.columns)}, expected {id_col!r} among them, or as the "
            "name of the index: id_col; correct one of them"
        )
    frame = frame.reset_index(drop=not is_index)
    if isinstance(frame[id_col].dtype, pd.StringDtype):  # such as Dask makes of texts
        frame[id_col] = frame[id_col].astype(object)
    return frame


def _ids_of(frame, id_col):
    return _flat(frame, id_col)[id_col].unique()


def _hand_over(name, call, some, *frames):
    """Give a partition the rows of its series in some parts of a frame."""
    partition = _here(name)
    id_col, rows = partition.model.id_col, []
    for own, frame in zip(some, frames, strict=True):
        frame = _flat(frame, id_col)
        rows.append(frame if own is None else frame[frame[id_col].isin(own)])
    partition.hold(call, pd.concat(rows, ignore_index=True) if rows else None)


def _forecast_of(name, asked, ids, newest, *ahead):
    """Return the forecast of a partition, or of some of its series."""
    model = _here(name).model
    state = model._state
    if newest is not None:
        active = state.ids[state.learner.heads >= newest]
        ids = active if ids is None else [i for i in ids if i in active]
    if ids is not None and not len(ids):
        asked = {**asked, "horizon": 1}
        return model.forecast(ids=state.ids[:1], **asked).iloc[:0]
    X_future = None
    if ahead:
        X_future = pd.concat([_flat(frame, model.id_col) for frame in ahead])
        X_future = X_future[X_future[model.id_col].isin(state.ids)]
    return model.forecast(ids=ids, X_future=X_future, **asked)


def _content_of(name):
    return dumps(_here(name).model)


def _no_rows(frame):
    return frame.iloc[:0]
