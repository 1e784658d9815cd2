"""The learner of a panel whose inputs are partly known ahead."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from tsrnn.online.panel_learner import PanelLearner
from tsrnn.online.readouts.pooled_future import PooledFutureRLS
from tsrnn.online.storage.series import SPARE
from tsrnn.persistence.registry import saved
from tsrnn.threads import one_blas_thread


@saved("future-panel-learner")
class FuturePanelLearner(PanelLearner):
    """A `PanelLearner` that forecasts each step in the light of its own inputs.

    What was known ahead of a label is read off the rings when it comes, so that nothing more is
    kept of a series. As for one stream, there are no experts beside the readout and no intervals.
    """

    @staticmethod
    def blank_readout(design, n_targets, n_features, forgetting, penalty):
        """Return a readout that has learnt nothing yet."""
        sizes = n_targets, n_features, len(design.delays)
        return PooledFutureRLS(*sizes, forgetting, penalty, design.n_ahead)

    @one_blas_thread
    def outputs(self, block, following):
        """As in `PanelLearner`, with the inputs known ahead of each row, as in `output`.

        Parameters
        ----------
        following : ndarray of shape (T, B, M, F)
        """
        learner, outputs = self, []
        while len(block.targets):
            part, block = block.cut(SPARE)  # its rows are all in the rings afterwards
            ahead, following = following[:SPARE], following[SPARE:]
            learner, features = learner._move(part, learning=False, wanted=True)
            outputs.append(learner._said(part.start, part.members, features, ahead))
        return np.concatenate(outputs), learner

    @one_blas_thread
    def output(self, position, members, calendar, following):
        """As in `PanelLearner`, in the light of the inputs known ahead.

        Parameters
        ----------
        following : ndarray of shape (B, m, F)
            Of the next m rows, NaN where unknown: there, and beyond, the newest value stands.
        """
        view = self.rings.view(members, calendar, position)
        features = self._features(view, position, 1, self._hidden(position, members))
        return self._said(position, members, features, following[None])[0]

    def _said(self, start, members, features, following):
        """Return the outputs (T, J, B, M) of rows in the rings, of these features."""
        rows = np.arange(start, start + len(features))
        newest = self.rings.inputs.read(rows, members)[:, self.design.future].swapaxes(1, 2)
        ahead = self.design.ahead_of_series(newest, following)
        base = self.rings.levels.read(rows, members)[..., None]
        return self._shifted(self.readout.output_ahead(features, ahead) + base, start, members)

    def _errors(self, first, members, arrived, origins):
        """Return errors (M, J, 1 + Z, B): of the label, then of what was known ahead of it."""
        rows = np.arange(first, first + len(self.design.delays))
        targets = arrived - self.rings.levels.read(rows, members)
        inputs = self.rings.inputs.read(rows + 1, members)
        known = self.design.arrived_of_series(inputs)[:, None]  # (M, 1, Z, B)
        known = np.broadcast_to(known, (*targets.shape[:2], *known.shape[2:]))
        stacked = np.concatenate([targets[:, :, None], known], axis=2)
        return self.readout.errors(origins, stacked)

    def _window_targets(self, view, start, stop):
        """Return the targets of origins, less what is due to what was known ahead."""
        targets, design = super()._window_targets(view, start, stop), self.design
        n_targets = len(self.change_scale)
        inputs = view.inputs[start : stop + len(design.delays)][..., design.future]
        inputs = inputs[:, : inputs.shape[1] // n_targets]  # they are those of each target
        following = sliding_window_view(inputs[1:], len(design.delays), axis=0)
        ahead = design.ahead_of_series(inputs[: stop - start], following.swapaxes(2, 3))
        return targets - self.readout.effect(ahead).reshape(targets.shape)
