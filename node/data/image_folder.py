"""Read pictures from a folder of the user's own: a folder for each class, pictures in it.

Pillow is an extra (`images`).
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from node.data.dataset import Dataset
from node.data.errors import MissingPackage, UnreadableFile
from node.data.recipe import Recipe
from node.data.schema import Schema

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"})
MODES = frozenset(
    {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"}
)
"""Pillow's. Others, of 16 or 32 bits, it would cut off at 255 on their way to bytes."""


def read_image_folder(path: Path, *, schema: Schema | None = None) -> Dataset:
    """Return the pictures under FOLDER/CLASS/ as rows of bytes: one a pixel, or three with colour.

    Classes and files are taken in the order of their names. Pictures are brought to the size that
    the schema declares; without one all must have the size of the first. How transparent a pixel is
    is not read. Raises MissingPackage and
    UnreadableFile, which names the file.
    """
    schema = schema or Schema()
    pillow = _import(path)
    folders = sorted(each for each in _list(path) if each.is_dir())
    if len(folders) < 2:
        got = ", ".join(each.name for each in folders) or "none"
        raise UnreadableFile(str(path), "a folder of pictures for each of two classes or more", got)
    rows: list[NDArray[np.uint8]] = []
    labels: list[int] = []
    size = schema.image
    unread = [each for each in _list(path) if not each.is_dir()]
    for label, folder in enumerate(folders):
        files = sorted(each for each in _list(folder) if each.suffix.lower() in SUFFIXES)
        unread += [each for each in _list(folder) if each.suffix.lower() not in SUFFIXES]
        if not files:
            raise UnreadableFile(str(folder), f"pictures ({', '.join(sorted(SUFFIXES))})", "none")
        for file in files:
            pixels = _read(pillow, file, schema)
            size = size or (pixels.shape[0], pixels.shape[1])
            if pixels.shape[:2] != size:
                expected = f"{size[0]} by {size[1]} pixels, or a size declared as data.image"
                got = f"{pixels.shape[0]} by {pixels.shape[1]}"
                raise UnreadableFile(str(file), expected, got)
            rows.append(pixels.ravel())
            labels.append(label)
    assert size is not None, "every folder has a picture"
    kind = "three bytes" if schema.has_colour else "a byte"
    told = f"{size[0]} by {size[1]} pixels, {kind} each, 255 being 1"
    return Dataset(
        name=path.name,
        features=np.stack(rows),
        labels=np.array(labels, dtype=np.int64),
        classes=tuple(folder.name for folder in folders),
        recipe=Recipe(told=told, remarks=_tell_unread(path, unread)),
    )


def _list(folder: Path) -> list[Path]:
    """Return what is in a folder, without what its owner does not see."""
    return [each for each in folder.iterdir() if each.name[0] != "."]


def _tell_unread(path: Path, unread: list[Path]) -> tuple[str, ...]:
    if not unread:
        return ()
    first = min(unread).relative_to(path)
    known = ", ".join(sorted(SUFFIXES))
    return (f"left out is what ends in none of {known}: {len(unread)}, as {first}",)


def _read(pillow: Any, file: Path, schema: Schema) -> NDArray[np.uint8]:
    try:
        with _open(pillow, file) as picture:
            if picture.mode not in MODES:
                expected = "a picture of 8 bits a channel"
                raise UnreadableFile(str(file), expected, f"mode {picture.mode}")
            frames = getattr(picture, "n_frames", 1)
            # What telephones write as JPEG has its small copies behind it.
            if frames != 1 and picture.format != "MPO":
                raise UnreadableFile(str(file), "one picture", f"{frames} of them")
            # As its owner sees it: a camera notes how it was held.
            upright = pillow.ImageOps.exif_transpose(picture)
            converted = upright.convert("RGB" if schema.has_colour else "L")
            if schema.image is not None:
                height, width = schema.image
                converted = converted.resize((width, height))
            return np.asarray(converted, dtype=np.uint8)
    # All that Pillow was seen to raise on damaged pictures, and on those too large to be meant.
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        pillow.Image.DecompressionBombError,
    ) as error:
        got = " ".join(str(error).split())
        raise UnreadableFile(str(file), "a whole picture", got) from error


@contextmanager
def _open(pillow: Any, file: Path) -> Iterator[Any]:
    with warnings.catch_warnings():
        # Twice as large a one is refused; of this one nobody has to be told.
        warnings.simplefilter("ignore", pillow.Image.DecompressionBombWarning)
        with pillow.Image.open(file) as picture:
            yield picture


def _import(path: Path) -> Any:
    try:
        import PIL.Image
        import PIL.ImageOps
    except ImportError as error:
        raise MissingPackage(
            f"data set {path}", expected="Pillow (pip install 'holdfast[images]')", got=str(error)
        ) from error
    return PIL
