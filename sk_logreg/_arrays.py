"""The array types that the modules pass to one another."""

import numpy as np
from numpy.typing import NDArray

#: Shape (n_features,), (n_dof,) or (n_samples,).
Vector = NDArray[np.float64]
#: Two-dimensional.
Matrix = NDArray[np.float64]
#: Positions of rows or of columns, counted from 0.
Indices = NDArray[np.intp]
