"""The way of a streamed row: all parts of a learner moved by one compiled call."""

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tsrnn.features.window import Window
from tsrnn.kernels import compiled_kernels
from tsrnn.kernels.numpy_.seasons import looked_back
from tsrnn.online.storage.values import changed, plain

PARTS = ("window", "encoder", "readout", "ensemble", "intervals")
MOST_ROWS = 32  # that are taken in by one call; of more, all go part by part, as fast
SPARE = 64  # places for rows to come in a buffer


def take_in_by_one_call(learner, record, learning, scoring):
    """Return the outputs after each row (n, S, M) and the learner after it.

    None where there are no compiled loops, the learner is not the usual one, or they
    need something rare: part by part the same comes out, to the last bit.
    """
    loops, n = compiled_kernels(), len(record)
    if loops is None:
        return None
    complete = all(map(math.isfinite, record.targets.ravel().tolist()))
    if learning and not complete:
        return None
    packed = _packed(learner, loops)
    if packed is None or (learning and n >= packed.rows_to_renewal):
        return None
    if scoring and packed.stale is not None:
        return None
    if not complete and packed.n_before < looked_back(learner.design.carried_by):
        return None
    taken_in = packed.follow(loops, record, learning, scoring)
    return taken_in and (taken_in[0], learner.moved(n, *taken_in))


def _packed(learner, loops):
    """Return the parts of a learner as a compiled call wants them, None where it cannot take them.

    They are those that the call before has left, as long as none has been replaced.
    """
    design, packed = learner.design, learner.packed
    if packed is not None:
        replaced = packed.replaced_in(vars(learner))
        if not replaced and packed.design is design:
            return packed
        if replaced in ([], ["encoder"]) and learner.encoder.state is packed.part("encoder").state:
            return packed.with_network(design, learner.encoder)
    parts = [getattr(learner, name) for name in PARTS]
    complete = learner.filter_start is not None and all(part is not None for part in parts)
    if not complete or design.n_ahead or len(learner.encoder.state) > 1:
        return None
    return Packed.of(learner, *parts, loops.shapes_of)


class Loan:
    """Places of buffers that are taken for as long as somebody holds the loan.

    What has been asked for outputs alone is nearly always dropped, and the rows that come next are
    those very rows, to be learnt: without their places, they would have to move to new buffers.
    Whoever goes on from a loan holds it too.
    """

    def __init__(self, free, n_taken, n, before):
        self.free, self.n_taken, self.n, self.before = free, n_taken, n, before

    def keep(self):
        """Give nothing back, of the loans before neither."""
        self.n = 0
        if self.before is not None:
            self.before.keep()

    def __del__(self):
        if self.n and self.free.pop(self.n_taken + self.n, False):
            self.free[self.n_taken] = True


@dataclass
class Packed:
    """The parts of a `StreamLearner` as a compiled call moves them.

    An array that is returned by compiled code takes as long as a thousand multiplications. So all
    numbers that move lie side by side in one array, which a call replaces; rows that are remembered
    are appended to buffers, in place, behind those that others look at. The parts are made of both
    when somebody asks for them: views, which nobody writes to.

    Like the parts it is a value, and it is no part of what is saved.

    Attributes
    ----------
    design : ForecastDesign
    encoder : RecurrentEncoder
    bare : dict
        The other parts, and the parts of those, without their arrays, by name.
    sizes, shapes : tuple
        See `shapes_of` of the kernels.
    fixed : tuple
        What a call needs and leaves as it is.
    numbers : ndarray
        Arrays of those shapes, side by side.
    rows : tuple
        Buffers, each of as many rows as a part keeps, and ``SPARE`` places for others.
    n_kept, most_kept : int
        Rows of the window, and how many there may be.
    rows_to_renewal : int
        Rows until the penalty of a readout is renewed.
    free : dict
        Numbers of places taken from which nobody has gone on yet, as keys.
    n_taken : int
        Places that are taken.
    n_rows, n_learnt : int
        Rows taken in, and learnt, since the parts were packed.
    learnt : Mixing or None
        The mixture as something was last learnt; None: it has not moved since.
    stale : Packed or None
        Whose intervals these are, where outputs alone were asked for.
    loan : Loan or None
        Of the places taken by rows of which outputs alone were asked for.
    found : dict
        Parts that somebody has asked for, by name.
    scratch_sizes : dict
        Numbers of a call on the way, by its rows.
    code : callable or None
        What `follow_rows` has called for arrays of these types; None before the first call.
    """

    design: Any
    encoder: Any
    bare: dict
    sizes: tuple
    shapes: tuple
    fixed: tuple
    numbers: np.ndarray
    rows: tuple
    n_kept: int
    most_kept: int
    rows_to_renewal: int
    free: dict = field(default_factory=lambda: {0: True})
    n_taken: int = 0
    n_rows: int = 0
    n_learnt: int = 0
    learnt: Any = None
    stale: Any = None
    loan: Any = None
    found: dict = field(default_factory=dict)
    scratch_sizes: dict = field(default_factory=dict)
    code: Any = None

    @property
    def n_before(self):
        """Rows before the new ones that a call looks back on."""
        return len(self.rows[0][0]) - SPARE

    @classmethod
    def of(cls, learner, window, encoder, readout, ensemble, intervals, shapes_of):
        """Pack the parts of a learner; `shapes_of` is that of the kernels."""
        linear, per_step, mixing = ensemble.linear, ensemble.per_step, ensemble.mixing
        conformal, drift = intervals.conformal, intervals.drift
        smoothing = ensemble.smoothing
        (S, M, K), (m, R, E, _) = readout.weights.shape, mixing.regret.shape
        L, F = linear.weights.shape[2], per_step.weights.shape[2]
        sizes = S, M, K, L, F, m, R, E, len(conformal.quantiles), len(conformal.profiles)
        n_units, n_smoothing = encoder.network.hidden_size, smoothing.fixed[0][3][-1] + 1
        sizes = *sizes, len(smoothing.moving[0]), n_smoothing, encoder.network.input_size, n_units
        arrays = (
            readout.covariance, readout.weights, linear.covariance, linear.weights,
            per_step.covariance, per_step.weights, per_step.n_labels.astype(np.int64).view(float),
            *mixing.moving, *conformal.moving, *drift.moving, *smoothing.moving,
            intervals.tails,
        )  # fmt: skip
        rows = (
            window.fields, tuple(a if a is None else a[None] for a in encoder.state[0]),
            readout.rows, linear.rows, (per_step.rows, per_step.may_learn), ensemble.rows,
            intervals.rows, smoothing.rows,
        )  # fmt: skip
        packed = cls(
            learner.design, encoder, {}, sizes, shapes_of(sizes), (),
            np.concatenate([array.ravel() for array in arrays]), _in_buffers(rows),
            len(window), learner.memory, min(readout.rows_to_renewal, linear.rows_to_renewal),
            learnt=None if ensemble.learnt is mixing else ensemble.learnt,
        )  # fmt: skip
        packed.bare = {
            "readout": readout.bare(), "linear": linear.bare(), "per_step": per_step.bare(),
            "mixing": mixing, "ensemble": ensemble.bare(), "smoothing": smoothing.bare(),
            "conformal": conformal, "drift": drift, "intervals": intervals.bare(),
        }  # fmt: skip
        return packed.with_network(learner.design, encoder)

    def with_network(self, design, encoder):
        """Return these parts with another network, at the same state, and another design."""
        bare, (looked_at, back) = self.bare, design.looked_at
        readout, linear, ensemble = bare["readout"], bare["linear"], bare["ensemble"]
        fixed = (
            (design.filter_start[-1].limits, looked_at, back, design.carried_by_array),
            tuple(encoder.network.layers[0].weights),
            (readout.delays, readout.limits, linear.limits, ensemble.columns),
            bare["per_step"].fixed,
            ensemble.repeats.parts,
            bare["smoothing"].fixed,
            (ensemble.scored.fixed, bare["mixing"].discounts, bare["conformal"].fixed),
        )
        found = {name: part for name, part in self.found.items() if name != "encoder"}
        return changed(self, design=design, encoder=encoder, fixed=fixed, found=found, code=None)

    def follow(self, loops, record, learning, scoring):
        """Return the outputs after rows (n, S, M), and the parts after them; None: see above."""
        n = len(record)
        before = self if self._has_places(n) else self._in_new_buffers()
        new = plain(record.targets), plain(record.inputs), plain(record.calendar)
        numbers = np.empty(len(self.numbers))
        outputs = np.empty((n, *self.shapes[1][:2]))
        scratch = np.empty(self._scratch_size(loops, n))
        n_taken, row = before.n_taken, self.bare["intervals"].row + self.n_rows
        seen = self.bare["smoothing"].n_rows + self.n_rows
        args = (
            new, before.rows, (n_taken, SPARE, row, seen), self.sizes,
            (self.numbers, numbers, outputs, scratch), *self.fixed, (learning, scoring),
        )  # fmt: skip
        code = self.code or loops.follow_rows
        if not code(*args):
            return None
        before.free[n_taken + n] = True
        loan = before.loan if scoring else Loan(before.free, n_taken, n, before.loan)
        n_learnt, learnt = n if learning else 0, None
        if not learning:
            learnt = self._mixing() if self.learnt is None else self.learnt
        return outputs, changed(
            before,
            numbers=numbers,
            n_kept=min(self.n_kept + n, self.most_kept),
            rows_to_renewal=self.rows_to_renewal - n_learnt,
            n_taken=n_taken + n,
            n_rows=self.n_rows + n,
            n_learnt=self.n_learnt + n_learnt,
            learnt=learnt,
            stale=None if scoring else self.stale or self,
            loan=loan,
            found={},
            code=self.code or loops.code_for(code, *args),
        )

    def part(self, name):
        """Return a part by its name."""
        if (part := self.found.get(name)) is None:
            if self.loan is not None:
                self.loan.keep()  # a part may look at the places
            part = self.found.setdefault(name, MAKERS[name](self))
        return part

    def replaced_in(self, held):
        """Return the names of the parts that are held and not those of these arrays."""
        return [name for name in PARTS if name in held and held[name] is not self.found.get(name)]

    def _scratch_size(self, loops, n):
        if (size := self.scratch_sizes.get(n)) is None:
            size = sum(map(math.prod, loops.scratch_shapes(n, self.sizes)))
            self.scratch_sizes[n] = size
        return size

    def _has_places(self, n):
        """Take the right to append to the buffers, if they have places and nobody has taken it."""
        return self.n_taken + n <= SPARE and self.free.pop(self.n_taken, False)

    def _in_new_buffers(self):
        waiting = _in_buffers(self.rows[1:], self.n_taken, SPARE - self.n_taken)
        rows = _in_buffers(self._window().fields), *waiting
        return changed(self, rows=rows, n_taken=0, free={}, loan=None)

    def _newest(self, buffer, n=None):
        """Return the newest rows of a buffer, as many as there were at first, or n."""
        end = len(buffer) - SPARE + self.n_taken
        return buffer[self.n_taken if n is None else end - n : end]

    def _arrays(self, first, stop):
        """Return arrays out of those side by side."""
        sizes = [math.prod(shape) for shape in self.shapes[:stop]]
        at, arrays = sum(sizes[:first]), []
        for size, shape in zip(sizes[first:], self.shapes[first:stop], strict=True):
            arrays.append(self.numbers[at : at + size].reshape(shape))
            at += size
        return arrays

    def _window(self):
        fields = (self._newest(field, self.n_kept) for field in self.rows[0])
        return Window(*fields, self.design.filter_start[-1])

    def _encoder(self):
        h, c = self.rows[1]
        at = self.n_taken
        return self.encoder.at((h[at], None if c is None else c[at]))

    def _readout(self):
        return self.bare["readout"].filled(
            self._newest(self.rows[2]), *self._arrays(0, 2), self.n_learnt
        )

    def _ensemble(self):
        P, weights, counts = self._arrays(4, 7)
        counts = counts.view(np.int64).astype(np.intp, copy=False)
        linear = self.bare["linear"].filled(
            self._newest(self.rows[3]), *self._arrays(2, 4), self.n_learnt
        )
        values, may_learn = map(self._newest, self.rows[4])
        per_step = self.bare["per_step"].filled(values, may_learn, P, weights, counts)
        mixing = self._mixing()
        learnt = mixing if self.learnt is None else self.learnt
        smoothing = self.bare["smoothing"].filled(
            self._newest(self.rows[7]), tuple(self._arrays(21, 27)), self.n_rows
        )
        issued = self._newest(self.rows[5])
        return self.bare["ensemble"].filled(issued, linear, per_step, smoothing, mixing, learnt)

    def _mixing(self):
        return self.bare["mixing"].moved(*self._arrays(7, 14))

    def _intervals(self):
        if self.stale is not None:
            return self.stale.part("intervals")
        size, n_rows, calm = self._arrays(18, 21)
        conformal = self.bare["conformal"].moved(*self._arrays(14, 18))
        drift = self.bare["drift"].moved(size, n_rows, calm > 0.0)
        (tails,), issued = self._arrays(27, 28), self._newest(self.rows[6])
        return self.bare["intervals"].filled(issued, conformal, drift, tails, self.n_rows)


MAKERS = {
    "window": Packed._window,
    "encoder": Packed._encoder,
    "readout": Packed._readout,
    "ensemble": Packed._ensemble,
    "intervals": Packed._intervals,
}


def _in_buffers(rows, n_before=0, n_behind=0):
    """Return rows (nested tuples of arrays) in buffers with places for others behind them.

    Without the rows that lie before, and behind, those that are kept.
    """
    if rows is None:
        return None
    if isinstance(rows, tuple):
        return tuple(_in_buffers(part, n_before, n_behind) for part in rows)
    n_kept = len(rows) - n_before - n_behind
    buffer = np.empty((n_kept + SPARE, *rows.shape[1:]), rows.dtype)
    buffer[:n_kept] = rows[n_before : n_before + n_kept]
    return buffer
