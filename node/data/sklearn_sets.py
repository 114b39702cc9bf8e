"""The data sets that come with scikit-learn, the only place that imports it.

scikit-learn is an extra (`learn`), and takes a second to import: it is imported by the call that
reads a data set, never with this module.
"""

from types import ModuleType

import numpy as np

from node.data.dataset import Dataset
from node.data.errors import MissingPackage
from node.data.recipe import Feature, Recipe
from node.data.scaling import TELL_SCALING, standardise_columns
from node.data.schema import Scaling

PIXEL_MAXIMUM = 16  # of the digits: each pixel counts the inked points of a 4 by 4 block


def read_digits() -> Dataset:
    """Return 1797 handwritten digits, 8 by 8 pixels in [0, 1], ten classes.

    Source: Alpaydin and Kaynak, Optical Recognition of Handwritten Digits, UCI, 1998.
    Raises MissingPackage without scikit-learn.
    """
    bunch = _import_datasets("digits").load_digits()
    columns = tuple(str(name) for name in bunch.feature_names)
    pixels = tuple(Feature(name, divided_by=float(PIXEL_MAXIMUM)) for name in columns)
    return Dataset(
        name="digits",
        features=(bunch.data / PIXEL_MAXIMUM).astype(np.float32),
        labels=bunch.target.astype(np.int64),
        classes=tuple(str(name) for name in bunch.target_names),
        columns=columns,
        # Whoever asks for this set by its name has its classes too.
        recipe=Recipe(pixels, told=f"pixels, {PIXEL_MAXIMUM} being 1", own=()),
    )


def read_breast_cancer() -> Dataset:
    """Return 569 tumours, 30 standardised measurements of cell nuclei, malignant or benign.

    Source: Wolberg, Mangasarian, Street and Street, Breast Cancer Wisconsin (Diagnostic), UCI,
    1993. Raises MissingPackage without scikit-learn.
    """
    bunch = _import_datasets("breast_cancer").load_breast_cancer()
    columns = tuple(str(name) for name in bunch.feature_names)
    scaled = standardise_columns(bunch.data)
    makings = zip(columns, scaled.minus.tolist(), scaled.divided_by.tolist(), strict=True)
    # Whoever asks for this set by its name has all its rows, and so the same statistics.
    features = tuple(Feature(name, minus=minus, divided_by=by) for name, minus, by in makings)
    return Dataset(
        name="breast_cancer",
        features=scaled.values,
        labels=bunch.target.astype(np.int64),
        classes=tuple(str(name) for name in bunch.target_names),
        columns=columns,
        recipe=Recipe(features, told=TELL_SCALING[Scaling.STANDARD], own=()),
    )


def _import_datasets(wanted: str) -> ModuleType:
    try:
        import sklearn.datasets
    except ImportError as error:
        raise MissingPackage(
            f"data set {wanted}",
            expected="scikit-learn (pip install 'holdfast[learn]')",
            got=str(error),
        ) from error
    return sklearn.datasets
