"""The objective of a problem, and all that is computed from it in passes over X.

`Objective` has what every solver asks of it. Functions of an objective have what only
the duality gap, the inference, the search for separation, or fits at several points
ask.
"""

from sk_logreg._objective._core import (
    Coordinates,
    Evaluation,
    NotFiniteError,
    Objective,
    RowVector,
)
from sk_logreg._objective._duality import (
    dual_after_step,
    dual_of_step,
    dual_slopes,
    weighted_variance,
)
from sk_logreg._objective._inference import (
    at_mean_row,
    binary_columns,
    clustered_scores_gram,
    effect_sums,
    evaluate_with_scores,
    leverages_and_gradient,
    scores_gram,
    squared_norms,
)
from sk_logreg._objective._separation import (
    excess,
    on_hyperplane,
    separates,
    unit_margins,
)
from sk_logreg._objective._several import (
    changes_along,
    evaluate_groups,
    gradients_from,
    largest_sizes,
    losses_and_ratios,
    losses_at,
    mean_losses,
    mean_losses_of,
    penalty_at,
)
from sk_logreg._objective._stack import Stack, StackedPoints

__all__ = [
    "Coordinates",
    "Evaluation",
    "NotFiniteError",
    "Objective",
    "RowVector",
    "Stack",
    "StackedPoints",
    "at_mean_row",
    "binary_columns",
    "changes_along",
    "clustered_scores_gram",
    "dual_after_step",
    "dual_of_step",
    "dual_slopes",
    "effect_sums",
    "evaluate_groups",
    "evaluate_with_scores",
    "excess",
    "gradients_from",
    "largest_sizes",
    "leverages_and_gradient",
    "losses_and_ratios",
    "losses_at",
    "mean_losses",
    "mean_losses_of",
    "on_hyperplane",
    "penalty_at",
    "scores_gram",
    "separates",
    "squared_norms",
    "unit_margins",
    "weighted_variance",
]
