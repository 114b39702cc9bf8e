import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file


def pull(holdfast, kept, path, *more):
    return holdfast("model", "pull", "--dir", str(kept), "--out", str(path), *more)


def verify(holdfast, kept, path):
    return holdfast("model", "verify", "--dir", str(kept), str(path))


@pytest.mark.parametrize("height", [0, 1, 2])
def test_verify__what_was_pulled__tells_the_height(holdfast, kept, tmp_path, height):
    path = tmp_path / "model.bin"
    assert pull(holdfast, kept, path, "--height", str(height)).code == 0
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.err) == (0, "")
    assert f"height {height}, round {height}, root 0x" in outcome.out


def test_pull__no_height__is_the_head(holdfast, kept, tmp_path):
    pull(holdfast, kept, tmp_path / "head")
    pull(holdfast, kept, tmp_path / "second", "--height", "2")
    assert (tmp_path / "head").read_bytes() == (tmp_path / "second").read_bytes()


def test_verify__a_changed_bit__names_the_leaf(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    pull(holdfast, kept, path)
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(content)
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.out, outcome.err.count("\n")) == (1, "", 1)
    assert "differs from the head (height 2) first in leaf 0" in outcome.err


def test_verify__another_size__says_which(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    path.write_bytes(bytes(7))
    outcome = verify(holdfast, kept, path)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected 248 bytes, got 7" in outcome.err


def test_pull__no_such_height__is_one_line_and_no_file(holdfast, kept, tmp_path):
    outcome = pull(holdfast, kept, tmp_path / "model.bin", "--height", "3")
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected 0 to 2, got 3" in outcome.err
    assert not (tmp_path / "model.bin").exists()


def test_pull__a_damaged_blob__is_one_line_and_no_file(holdfast, kept, tmp_path):
    path = tmp_path / "model.bin"
    root = pull(holdfast, kept, path).out.split()[-1]
    path.unlink()
    (kept / "blobs" / root).write_bytes(bytes(248))
    outcome = pull(holdfast, kept, path)
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert not path.exists()


def test_pull__no_such_folder__names_the_file_that_was_asked_for(holdfast, kept, tmp_path):
    path = tmp_path / "absent" / "model.bin"
    outcome = pull(holdfast, kept, path)
    assert (outcome.code, outcome.err) == (1, f"holdfast: {path}: No such file or directory\n")


def test_export__either_format__same_arrays_with_the_specs_names(holdfast, kept, tmp_path):
    for suffix in ("npz", "safetensors"):
        path = tmp_path / f"model.{suffix}"
        outcome = holdfast("model", "export", "--dir", str(kept), "--out", str(path))
        assert (outcome.code, outcome.err) == (0, "")
    root = outcome.out.split()[-1]
    with np.load(tmp_path / "model.npz") as file:
        arrays = dict(file)
    tensors = load_file(tmp_path / "model.safetensors")
    assert sorted(arrays) == sorted(tensors)
    assert sorted(array.shape for array in arrays.values()) == [(2,), (2, 30)]
    for name, array in arrays.items():
        assert array.dtype == tensors[name].dtype
        np.testing.assert_array_equal(array, tensors[name])
    with safe_open(tmp_path / "model.safetensors", "np") as file:
        assert file.metadata() == {"root": root, "round": "2", "height": "2"}


def test_export__an_unknown_format__is_one_line(holdfast, kept, tmp_path):
    outcome = holdfast("model", "export", "--dir", str(kept), "--out", str(tmp_path / "model.pt"))
    assert (outcome.code, outcome.err.count("\n")) == (1, 1)
    assert "expected .npz or .safetensors" in outcome.err
