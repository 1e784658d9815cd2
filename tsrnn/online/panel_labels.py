"""What a `PanelLearner` does with labels: origins wait for theirs, and are learnt from."""

import copy
from dataclasses import replace

import numpy as np

from tsrnn.online.readouts.targets import origin_targets
from tsrnn.online.storage.series import SeriesMemory

MAX_SAMPLED = 32  # series in a training step on the stream


class PanelLabels(SeriesMemory):
    """The readout, the experts and the network of a `PanelLearner`, moved by labels.

    Subclasses have the attributes that `PanelLearner` documents.
    """

    def _open(self, block, features, learning):
        """Write new origins, to be learnt from or not; fresh series have none before."""
        start, members, n_rows = block.start, block.members, len(block.targets)
        shape = n_rows, 1, block.targets.shape[2]
        if block.fresh.any():
            columns = np.arange(len(self.heads))[members][block.fresh]
            self.opened.array[:, :, columns] = False
        self.opened.write(start, members, np.full(shape, learning))
        if learning:
            self.features.write(start, members, features)
            groups = self.n_groups + 1 + np.arange(n_rows)
            self.groups.write(start, members, np.broadcast_to(groups[:, None, None], shape))

    def _learn_row(self, position, members, arrived, features, n_steps):
        """Learn from the labels (J, B) that arrive at a position; its origins enter."""
        first = position - len(self.design.delays)
        opened = self.opened.read(np.arange(first, position), members)  # (M, 1, B)
        known = opened & np.isfinite(arrived)
        origins = [
            (piece, self.features.array[rows] if isinstance(members, slice)
             else self.features.array[rows][:, :, members])
            for rows, piece in self.features.spans(first, position)
        ]  # fmt: skip
        readout, errors = self.readout, None
        if known.any():
            groups = self.groups.read(np.arange(first, position), members)[:, 0]
            errors = self._errors(first, members, arrived, origins)
            if self.experts:
                past = self.rings.levels, self.begun[members]
                sound = known & np.isfinite(errors)  # not where the readout has lost its numbers
                self.experts = self.experts.learn(
                    position, members, arrived, errors, sound, *past, n_steps
                )
        missing = opened & ~known
        if missing.any():
            readout = readout.take_back(*self._failed(first, missing, origins))
        readout = readout.enter(self.n_groups, features, n_steps)
        if errors is not None:
            readout = readout.correct(origins, errors, groups, known)
        self.readout = readout

    def _errors(self, first, members, arrived, origins):
        """Return label less output (M, J, B), of the origins from ``first`` on."""
        n_outputs = len(self.design.delays)
        weights = self.readout.weights[:, ::-1].swapaxes(0, 1)[..., None]  # (M, J, K, 1)
        outputs = [np.matmul(phi, weights[piece])[..., 0] for piece, phi in origins]
        base = self.rings.levels.read(np.arange(first, first + n_outputs), members)
        return arrived - base - np.concatenate(outputs)

    def _failed(self, first, missing, origins):
        """Return features and ages, by target, of origins whose label failed to come."""
        features, ages = [], []
        age = self.clock - np.arange(first, first + len(missing))
        for target in range(missing.shape[1]):
            which = missing[:, target]
            found = [phi[:, target][which[piece]] for piece, phi in origins]
            features.append(np.concatenate(found))
            ages.append(np.maximum(np.broadcast_to(age[:, None], which.shape)[which], 0))
        return features, ages

    @property
    def _training_is_due(self):
        return self.encoder is not None and self.n_learnt % self.encoder.period == 0

    def _train_encoder(self):
        """Let the encoder learn from the newest window of some series that have reached the clock.

        The network sees the windows of at most 32 series, drawn by the number of the training.
        """
        n_outputs, n_origins = len(self.design.delays), self.encoder.window
        start = self.clock - n_outputs - n_origins + 1
        complete = np.flatnonzero((self.heads == self.clock) & (self.begun <= start))
        if not len(complete):
            return self
        learner = copy.copy(self)
        learner.n_trainings = self.n_trainings + 1
        if len(complete) > MAX_SAMPLED:
            rng = np.random.default_rng(learner.n_trainings)
            complete = np.sort(rng.choice(complete, MAX_SAMPLED, replace=False))
        stop = start + n_origins
        days = self.calendar[np.arange(start, stop) % len(self.calendar)]
        view = self.rings.view(complete, days, start)
        learner.encoder = self.encoder.learn(
            self._design_of(complete).inputs(view, start, stop),
            self.design.skip(view, start, stop),
            self._window_targets(view, start, stop),
            np.repeat(self.readout.weights, len(complete), axis=0),
        )
        return learner

    def _window_targets(self, view, start, stop):
        """Return the targets (T, S, M) of origins whose labels are all in."""
        rows = slice(start, stop + len(self.design.delays))
        levels, labels = view.levels[rows], view.targets[rows][..., None]
        return origin_targets(levels, labels, self.design.delays)[: stop - start]

    def _design_of(self, members):
        return replace(self.design, change_scale=self.change_scale[:, members].ravel())
