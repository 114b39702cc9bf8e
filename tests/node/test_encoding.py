"""Round trips, rounding and clipping laws of the encoder, and what it refuses by name."""

import json
import pickle
from math import isqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from node import encoding
from node.encoding import Layout
from node.errors import (
    EncodingError,
    LayoutMismatch,
    LayoutRefused,
    NodeError,
    NotFinite,
    OutOfRange,
    PayloadRefused,
)

LAYOUT = Layout(
    ("w", "b", "scale", "count", "empty"),
    ((2, 3), (3,), (), (2,), (0, 4)),
    ("float32", "float64", "float16", "int64", "float32"),
)


def build_arrays():
    return [
        np.arange(6, dtype=np.float32).reshape(2, 3) / 8,
        np.array([1.5, -2.5, 0.0]),
        np.array(0.25, np.float16),
        np.array([7, -9]),
        np.zeros((0, 4), np.float32),
    ]


def encode(step, *, clip=0, update_bits=0, update_bytes=2, seed=0):
    step = np.asarray(step, np.float64)
    return encoding.encode_update(
        step,
        np.zeros_like(step),
        update_bits=update_bits,
        update_bytes=update_bytes,
        clip=clip,
        generator=np.random.default_rng(seed),
    )


def measure(update):
    return isqrt(sum(value * value for value in update.tolist()))


def test_layout__flatten_and_unflatten__gives_the_arrays_back():
    vector = LAYOUT.flatten(build_arrays())
    assert vector.dtype == np.float64
    assert vector.shape == (LAYOUT.coordinates,) == (12,)
    for array, back in zip(build_arrays(), LAYOUT.unflatten(vector), strict=True):
        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert (back == array).all()


def test_layout__flatten__shares_no_memory_with_the_arrays():
    arrays = [np.zeros(3)]
    layout = Layout.from_arrays(arrays)
    vector = layout.flatten(arrays)
    vector[:] = 1
    assert not arrays[0].any()
    layout.unflatten(vector)[0][:] = 2
    assert (vector == 1).all()


def test_layout__to_dict__survives_json():
    assert Layout.from_dict(json.loads(json.dumps(LAYOUT.to_dict()))) == LAYOUT


def test_from_arrays__no_names__numbers_them():
    layout = Layout.from_arrays(build_arrays())
    assert layout.names == ("array_0", "array_1", "array_2", "array_3", "array_4")
    assert (layout.shapes, layout.dtypes) == (LAYOUT.shapes, LAYOUT.dtypes)
    assert Layout.from_arrays(build_arrays(), LAYOUT.names) == LAYOUT


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ((("a", "a"), ((1,), (1,)), ("float32", "float32")), "names of the arrays"),
        ((("a",), ((1,), (1,)), ("float32", "float32")), "encoding: layout"),
        ((("a",), ((-1,),), ("float32",)), "shape of array 'a'"),
        ((("a",), ((1,),), ("complex64",)), "dtype of array 'a'"),
        ((("a",), ((1,),), ("bool",)), "dtype of array 'a'"),
        ((("a",), ((1,),), ("float33",)), "dtype of array 'a'"),
        ((("a",), ((0,),), ("float32",)), "encoding: coordinates"),
        (((), (), ()), "encoding: coordinates"),
    ],
)
def test_layout__cannot_describe_a_model__is_refused(fields, reason):
    with pytest.raises(LayoutRefused, match=reason):
        Layout(*fields)


@pytest.mark.parametrize(
    "table",
    [
        {},
        {"arrays": 3},
        {"arrays": ["w"]},
        {"arrays": [{"name": "w", "shape": [1]}]},
        {"arrays": [{"name": "w", "shape": ["1"], "dtype": "float32"}]},
        {"arrays": [{"name": "w", "shape": [True], "dtype": "float32"}]},
        {"arrays": [{"name": 1, "shape": [1], "dtype": "float32"}]},
    ],
)
def test_from_dict__not_a_layout__is_refused(table):
    with pytest.raises(LayoutRefused, match="encoding: layout"):
        Layout.from_dict(table)


@pytest.mark.parametrize(
    ("position", "array", "message"),
    [
        (0, np.zeros((3, 2), np.float32), "shape of array 'w': expected (2, 3), got (3, 2)"),
        (1, np.zeros(3, np.int64), "dtype of array 'b': expected float64, got int64"),
        (2, 0.25, "array 'scale': expected a numpy array, got float"),
        (3, np.zeros(2, np.uint64), "dtype of array 'count': expected int64, got uint64"),
    ],
)
def test_flatten__another_array__names_it(position, array, message):
    arrays = build_arrays()
    arrays[position] = array
    with pytest.raises(LayoutMismatch) as caught:
        LAYOUT.flatten(arrays)
    assert str(caught.value) == f"encoding: {message}"


def test_flatten__one_array_less__is_refused():
    with pytest.raises(LayoutMismatch, match="number of arrays: expected 5, got 4"):
        LAYOUT.flatten(build_arrays()[:-1])


def test_flatten__same_kind_of_another_width__is_taken():
    arrays = build_arrays()
    arrays[0] = arrays[0].astype(">f8")
    assert (LAYOUT.flatten(arrays) == LAYOUT.flatten(build_arrays())).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(("position", "index"), [(0, (1, 2)), (1, (0,)), (2, ())])
def test_flatten__not_finite__names_array_and_index(position, index, value):
    arrays = build_arrays()
    arrays[position][index] = value
    with pytest.raises(NotFinite) as caught:
        LAYOUT.flatten(arrays)
    name = LAYOUT.names[position]
    assert (
        str(caught.value)
        == f"encoding: array {name!r} at {index}: expected a finite number, got {value}"
    )


def test_unflatten__wrong_length__is_refused():
    with pytest.raises(LayoutMismatch, match=r"expected \(12,\), got \(11,\)"):
        LAYOUT.unflatten(np.zeros(11))


@pytest.mark.parametrize(
    ("dtype", "value", "back"),
    [
        ("int8", 300.0, 127),
        ("uint8", -1.0, 0),
        ("int32", 2.5, 2),
        ("int32", 3.5, 4),
        ("int64", 1e300, 2**63 - 1024),
        ("uint64", 1e300, 2**64 - 2048),
        ("int64", -1e300, -(2**63)),
        ("float16", 1e9, 65504.0),
    ],
)
def test_unflatten__beyond_the_dtype__gives_the_nearest(dtype, value, back):
    array = Layout(("a",), ((1,),), (dtype,)).unflatten(np.array([value]))[0]
    assert array.dtype == dtype
    assert array[0] == back


@given(st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1), st.integers(0, 40))
def test_encode_model__what_decode_model_gave__is_exact(integers, model_bits):
    model = np.array(integers, np.int32)
    back = encoding.encode_model(encoding.decode_model(model, model_bits), model_bits)
    assert back.dtype == np.int32
    assert back.tolist() == integers


def test_encode_model__halves__go_to_even():
    values = np.array([0.5, 1.5, 2.5, -0.5, -1.5, -2.5]) / 4
    assert encoding.encode_model(values, 2).tolist() == [0, 2, 2, 0, -2, -2]


def test_encode_model__ends_of_int32__are_held_and_one_beyond_is_refused():
    ends = np.array([-(2.0**31), 2.0**31 - 1])
    assert encoding.encode_model(ends, 0).tolist() == [-(2**31), 2**31 - 1]
    for value in (2.0**31, 2.0**31 - 0.5, -(2.0**31) - 1, 1e308):
        with pytest.raises(OutOfRange, match="coordinate 1 of the model"):
            encoding.encode_model(np.array([0.0, value]), 0)
    with pytest.raises(OutOfRange, match="expected -2048 up to, but not, 2048, got 2048"):
        encoding.encode_model(np.array([2048.0]), 20)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_encode_model__not_finite__names_the_coordinate(value):
    with pytest.raises(NotFinite, match="coordinate 2"):
        encoding.encode_model(np.array([0, 0, value]), 20)


@given(st.lists(st.integers(-(2**15), 2**15 - 1), min_size=1), st.integers(0, 2**32))
def test_encode_update__whole_units_unclipped__are_themselves(integers, seed):
    update = encode(np.array(integers) / 2**14, update_bits=14, seed=seed)
    assert update.dtype == np.int16
    assert update.tolist() == integers


@given(
    st.lists(st.floats(-40000, 40000), min_size=1, max_size=30),
    st.sampled_from([1, 2]),
    st.integers(0, 2**32),
)
def test_encode_update__unclipped__is_a_neighbour_and_saturates(values, update_bytes, seed):
    low, high = -(2 ** (8 * update_bytes - 1)), 2 ** (8 * update_bytes - 1) - 1
    update = encode(values, update_bytes=update_bytes, seed=seed)
    assert update.dtype == (np.int8 if update_bytes == 1 else np.int16)
    for value, got in zip(values, update.tolist(), strict=True):
        near = {min(max(int(np.floor(value)), low), high), min(max(int(np.ceil(value)), low), high)}
        assert got in near


def test_encode_update__many_draws__has_no_bias():
    update = encode(np.full(100_000, -3.3))
    assert set(update.tolist()) == {-4, -3}
    assert abs(update.mean() + 3.3) < 5 * np.sqrt(0.21 / 100_000)


def test_encode_update__same_generator_state__gives_the_same():
    step = np.random.default_rng(5).normal(0, 3, 1000)
    assert (encode(step, clip=20, seed=1) == encode(step, clip=20, seed=1)).all()
    assert (encode(step, clip=20, seed=1) != encode(step, clip=20, seed=2)).any()


@pytest.mark.parametrize("coordinates", [1, 10, 1000, 40_000])
@pytest.mark.parametrize("spread", [0.001, 0.2, 1.0, 50.0, 10_000.0])
@pytest.mark.parametrize("clip", [1, 30, 100, 101, 2000])
def test_encode_update__any_clip__is_nearly_always_within_it(coordinates, spread, clip):
    # With d / 4 above, near and below clip**2: rounding alone may be longer than the clip.
    step = np.random.default_rng(9).normal(0, spread, coordinates)
    norms = [measure(encode(step, clip=clip, seed=seed)) for seed in range(40)]
    assert sum(norm > clip for norm in norms) <= 4
    assert max(norms) <= clip + 3


def test_encode_update__long_step__comes_close_to_the_aim():
    step = np.random.default_rng(9).normal(0, 500, 10_000)
    norm = measure(encode(step, clip=4000))
    assert isqrt(4000**2 - 10_000 // 4) - 5 <= norm <= 4000


def test_encode_update__rounding_longer_than_the_clip__still_moves():
    # d / 4 = 10,000 = clip**2 leaves no room by the first bound.
    step = np.random.default_rng(9).normal(0, 0.01, 40_000)
    assert measure(encode(step, clip=10)) >= 7
    assert 80 <= measure(encode(step * 1000, clip=100)) <= 100


def test_encode_update__nothing_learned__is_zero():
    for clip in (0, 1, 100):
        assert not encode(np.zeros(500), clip=clip).any()


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_encode_update__not_finite__names_the_coordinate(value):
    with pytest.raises(NotFinite, match="coordinate 1: expected a finite number"):
        encode([0, value], clip=5)


def test_encode_update__too_long_for_a_norm__is_refused():
    with pytest.raises(OutOfRange, match="squared norm"):
        encode([1e200, 0.0], clip=5)


def test_encode_update__shapes_or_size_that_differ__are_refused():
    generator = np.random.default_rng(0)
    rest = {"update_bits": 0, "clip": 0, "generator": generator}
    with pytest.raises(PayloadRefused, match="shape of the trained model"):
        encoding.encode_update(np.zeros(2), np.zeros(3), update_bytes=2, **rest)
    with pytest.raises(PayloadRefused, match="update_bytes: expected 1 or 2, got 4"):
        encoding.encode_update(np.zeros(2), np.zeros(2), update_bytes=4, **rest)


def test_to_payload__any_integers__is_little_endian_twos_complement():
    assert encoding.to_payload(np.array([1, -2], np.int8)).hex() == "01fe"
    assert encoding.to_payload(np.array([1, -2], np.int16)).hex() == "0100feff"
    assert encoding.to_payload(np.array([1, -2], np.int32)).hex() == "01000000feffffff"
    assert encoding.to_payload(np.array([1, -2], ">i2")).hex() == "0100feff"


@pytest.mark.parametrize("array", [np.zeros(2), np.zeros((1, 2), np.int8), np.zeros(2, np.int64)])
def test_to_payload__not_a_vector_of_the_protocol__is_refused(array):
    with pytest.raises(PayloadRefused, match="array of a payload"):
        encoding.to_payload(array)


def test_from_payload__own_bytes__is_a_read_only_view():
    model = np.array([2**31 - 1, -(2**31), 0], np.int32)
    payload = encoding.to_payload(model)
    back = encoding.model_from_payload(payload, 3)
    assert (back == model).all()
    assert not back.flags.owndata
    buffer = bytearray(encoding.to_payload(np.array([-1, 5], np.int8)))
    update = encoding.update_from_payload(memoryview(buffer), 2, 1)
    assert update.tolist() == [-1, 5]
    buffer[1] = 6
    assert update.tolist() == [-1, 6]
    for array in (back, update):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_from_payload__wrong_length__is_refused():
    for size in (7, 9):
        with pytest.raises(PayloadRefused, match=f"bytes of the payload: expected 8, got {size}"):
            encoding.model_from_payload(bytes(size), 2)
        with pytest.raises(PayloadRefused, match=f"bytes of the payload: expected 8, got {size}"):
            encoding.update_from_payload(bytes(size), 4, 2)
    with pytest.raises(PayloadRefused, match="update_bytes"):
        encoding.update_from_payload(bytes(8), 2, 4)


def test_node_error__sent_between_processes__keeps_what_it_says():
    error = OutOfRange("encoding: x", "a small one", 9)
    back = pickle.loads(pickle.dumps(error))
    assert isinstance(back, EncodingError)
    assert isinstance(back, NodeError)
    assert (back.reason, back.expected, back.got) == ("encoding: x", "a small one", 9)
    assert str(back) == "encoding: x: expected a small one, got 9"
