"""Read pictures from a folder of the user's own: a folder for each class, pictures in it.

Pillow is an extra (`images`).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.data.errors import MissingPackage, UnreadableFile
from node.data.schema import Schema

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})


def read_image_folder(path: Path, *, schema: Schema | None = None) -> Dataset:
    """Return the pictures under FOLDER/CLASS/ as rows of bytes: one a pixel, or three with colour.

    Classes and files are taken in the order of their names. Pictures are brought to the size that
    the schema declares; without one all must have the size of the first. Raises MissingPackage and
    UnreadableFile, which names the file.
    """
    schema = schema or Schema()
    image = _import(path)
    folders = sorted(each for each in path.iterdir() if each.is_dir() and each.name[0] != ".")
    if len(folders) < 2:
        got = ", ".join(each.name for each in folders) or "none"
        raise UnreadableFile(str(path), "a folder of pictures for each of two classes or more", got)
    rows: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    size = schema.image
    for label, folder in enumerate(folders):
        files = sorted(each for each in folder.iterdir() if each.suffix.lower() in SUFFIXES)
        if not files:
            raise UnreadableFile(str(folder), f"pictures ({', '.join(sorted(SUFFIXES))})", "none")
        for file in files:
            pixels = _read(image, file, schema)
            size = size or (pixels.shape[0], pixels.shape[1])
            if pixels.shape[:2] != size:
                expected = f"{size[0]} by {size[1]} pixels, or a size declared as data.image"
                got = f"{pixels.shape[0]} by {pixels.shape[1]}"
                raise UnreadableFile(str(file), expected, got)
            rows.append(pixels.ravel())
            labels.append(label)
    return Dataset(
        name=path.name,
        features=np.stack(rows),
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(folder.name for folder in folders),
    )


def _read(image: Any, file: Path, schema: Schema) -> NDArray[np.uint8]:
    try:
        with image.open(file) as picture:
            converted = picture.convert("RGB" if schema.has_colour else "L")
            if schema.image is not None:
                height, width = schema.image
                converted = converted.resize((width, height))
            return np.asarray(converted, dtype=np.uint8)
    # All that Pillow was seen to raise on damaged pictures, and on those too large to be meant.
    except (OSError, ValueError, SyntaxError, EOFError, image.DecompressionBombError) as error:
        got = " ".join(str(error).split())
        raise UnreadableFile(str(file), "a whole picture", got) from error


def _import(path: Path) -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingPackage(
            f"data set {path}", expected="Pillow (pip install 'holdfast[images]')", got=str(error)
        ) from error
    return Image
