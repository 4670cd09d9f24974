#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Writes test/runtime/formats/data: pictures and arrays, and what Pillow and NumPy read from them.

Needs numpy, pillow, safetensors and ml_dtypes; the files in the repository were made with numpy 2.4, pillow 13.0 and
safetensors 0.8, seed 1. NAME.png or .jpg is the input, NAME.expected.npy the pixels [height, width, channels].
Usage: make_data.py FOLDER
"""
import pathlib
import struct
import sys
import zlib

import ml_dtypes
import numpy
from PIL import Image
from safetensors.numpy import save_file

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]
COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}


def png_chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def plain_png(pixels, bits=8, interlaced=False):
    """A PNG of [height, width, channels] values without filters: for what Pillow cannot write (16 bits, interlaced)."""
    height, width, channels = pixels.shape
    values = pixels.astype(">u2" if bits == 16 else "u1")
    passes = ADAM7 if interlaced else [(0, 0, 1, 1)]
    rows = b""
    for left, top, step_x, step_y in passes:
        part = values[top::step_y, left::step_x]
        if part.shape[1] > 0:
            rows += b"".join(b"\0" + row.tobytes() for row in part)
    header = struct.pack(">IIBBBBB", width, height, bits, COLOR_TYPES[channels], 0, 0, int(interlaced))
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def expect(folder, name, pixels):
    numpy.save(folder / f"{name}.expected.npy", pixels.reshape(pixels.shape[0], pixels.shape[1], -1).astype(numpy.uint8))


def over_black(pixels):
    """The last channel is alpha."""
    colors = pixels[..., :-1].astype(int) * pixels[..., -1:].astype(int)
    return (colors + 127) // 255


def smooth_picture(height, width, random):
    y, x = numpy.mgrid[0:height, 0:width]
    planes = [127 + 120 * numpy.sin(x / (3 + c) + y / (4 + 2 * c)) for c in range(3)]
    noise = random.integers(-8, 8, size=(height, width, 3))
    return numpy.clip(numpy.stack(planes, axis=-1) + noise, 0, 255).astype(numpy.uint8)


def make_pngs(folder, random):
    rgb = random.integers(0, 256, size=(9, 13, 3), dtype=numpy.uint8)
    rgba = random.integers(0, 256, size=(9, 13, 4), dtype=numpy.uint8)
    gray = rgb[..., 0]
    Image.fromarray(rgb).save(folder / "rgb.png")
    expect(folder, "rgb", rgb)
    Image.fromarray(gray).save(folder / "gray.png")
    expect(folder, "gray", gray)
    numpy.save(folder / "rgb_to_gray.expected.npy", numpy.asarray(Image.fromarray(rgb).convert("L"))[..., None])
    Image.fromarray(rgba).save(folder / "rgba.png")
    expect(folder, "rgba", over_black(rgba))
    Image.fromarray(rgba[..., 2:], mode="LA").save(folder / "gray_alpha.png")
    expect(folder, "gray_alpha", over_black(rgba[..., 2:]))
    bits = Image.fromarray(gray).convert("1")
    bits.save(folder / "one_bit.png")
    expect(folder, "one_bit", numpy.asarray(bits).astype(numpy.uint8) * 255)
    palette = Image.fromarray(rgb).quantize(7)
    palette.save(folder / "palette.png")
    expect(folder, "palette", numpy.asarray(palette.convert("RGB")))
    palette.save(folder / "palette_alpha.png", transparency=bytes([0, 40, 80, 120, 160, 200, 255]))
    expect(folder, "palette_alpha", over_black(numpy.asarray(Image.open(folder / "palette_alpha.png").convert("RGBA"))))
    wide = random.integers(0, 65536, size=(9, 13, 3)).astype(int)
    (folder / "rgb_16_bit.png").write_bytes(plain_png(wide, bits=16))
    expect(folder, "rgb_16_bit", numpy.floor(wide / 257 + 0.5))
    (folder / "gray_16_bit.png").write_bytes(plain_png(wide[..., :1], bits=16))
    expect(folder, "gray_16_bit", numpy.floor(wide[..., :1] / 257 + 0.5))
    (folder / "interlaced.png").write_bytes(plain_png(rgb, interlaced=True))
    expect(folder, "interlaced", rgb)


def make_jpegs(folder, random):
    picture = Image.fromarray(smooth_picture(21, 35, random))
    for name, image, options in (
        ("photo", picture, {}),
        ("photo_444", picture, {"subsampling": 0}),
        ("photo_progressive", picture, {"progressive": True}),
        ("photo_gray", picture.convert("L"), {}),
        ("photo_cmyk", picture.convert("CMYK"), {}),
    ):
        image.save(folder / f"{name}.jpg", quality=80, **options)
        decoded = Image.open(folder / f"{name}.jpg")
        expect(folder, name, numpy.asarray(decoded if image.mode == "L" else decoded.convert("RGB")))


def make_resized(folder, random):
    """resize.png, and resize_HxW.expected.npy for several sizes; the same of its gray form, resize_gray_HxW."""
    picture = Image.fromarray(smooth_picture(23, 17, random))
    picture.save(folder / "resize.png")
    for height, width in ((5, 7), (40, 31), (10, 40), (23, 9), (1, 1), (22, 17), (46, 34)):
        for name, image in (("resize", picture), ("resize_gray", picture.convert("L"))):
            resized = image.resize((width, height), Image.Resampling.BILINEAR)
            expect(folder, f"{name}_{height}x{width}", numpy.asarray(resized))


def make_arrays(folder):
    """Each array holds 0, 1, 2, … in C order, whatever its type and order in the file."""
    def values(kind):
        return numpy.arange(24).reshape(2, 3, 4).astype(kind)

    for kind in ("u1", "i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f2", "<f4", "<f8", ">i4", ">f4", ">f8", ">u2"):
        name = kind.replace("<", "little_").replace(">", "big_")
        numpy.save(folder / f"array_{name}.npy", values(kind))
    numpy.save(folder / "array_fortran.npy", numpy.asfortranarray(values("<f4")))
    numpy.save(folder / "array_fortran_big.npy", numpy.asfortranarray(values(">i2")))
    numpy.save(folder / "array_bool.npy", values("u1") % 3 == 0)
    numpy.save(folder / "array_scalar.npy", numpy.float32(2.5))
    numpy.save(folder / "array_objects.npy", numpy.array([1, "two"], dtype=object), allow_pickle=True)
    numpy.save(folder / "array_records.npy", numpy.zeros(2, dtype=[("a", "<f4"), ("b", "<i4")]))
    numpy.save(folder / "array_text.npy", numpy.array(["one", "two"]))
    for version in ((2, 0), (3, 0)):
        with open(folder / f"array_version_{version[0]}.npy", "wb") as file:
            numpy.lib.format.write_array(file, values("<f4"), version=version)


def make_safetensors(folder):
    tensors = {
        "conv1.weight": numpy.arange(6, dtype=numpy.float32).reshape(2, 3) / 4,
        "half": numpy.array([0.5, -2, 65504, 6e-8], dtype=numpy.float16),
        "brain": numpy.array([1, -3, 2.5], dtype=ml_dtypes.bfloat16),
        "double": numpy.array([[0.1]], dtype=numpy.float64),
        "num_batches_tracked": numpy.array(7, dtype=numpy.int64),
        "empty": numpy.zeros((0, 4), dtype=numpy.float32),
    }
    save_file(tensors, folder / "official.safetensors", metadata={"made": "by the reference library"})


def main():
    folder = pathlib.Path(sys.argv[1])
    random = numpy.random.default_rng(1)
    make_pngs(folder, random)
    make_jpegs(folder, random)
    make_resized(folder, random)
    make_arrays(folder)
    make_safetensors(folder)


if __name__ == "__main__":
    main()
