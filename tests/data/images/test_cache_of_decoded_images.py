"""Images are decoded once, into a file that is mapped; a killed decoding goes on; what is in its way is named."""

from __future__ import annotations

import io
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from efficienttrust.data.images import _cache
from efficienttrust.data.images._cache import cache_folder, decoded
from efficienttrust.data.images._files import ImageFile, members
from efficienttrust.errors import UsageError

RNG = np.random.default_rng(0)
N = 40
PIXELS = RNG.integers(0, 256, (N, 8, 12, 3), dtype=np.uint8)
ROW = PIXELS[0].size
CHANNELS_FIRST = PIXELS.transpose(0, 3, 1, 2)


def png(pixels: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "png")
    return content.getvalue()


@pytest.fixture
def files(tmp_path) -> list[ImageFile]:
    for number, pixels in enumerate(PIXELS):
        (tmp_path / f"{number:03d}.png").write_bytes(png(pixels))
    return [ImageFile(path) for path in sorted(tmp_path.glob("*.png"))]


@pytest.fixture
def counted(monkeypatch) -> Counter[str]:
    """How often each image was decoded."""
    count: Counter[str] = Counter()
    real = _cache.decode

    def decode(file, form, archives):
        count[str(file)] += 1
        return real(file, form, archives)

    monkeypatch.setattr(_cache, "decode", decode)
    return count


def test_only_the_owner_may_read_the_cache(files, tmp_path):
    before = os.umask(0o022)
    try:
        decoded(files, cache=tmp_path / "cache")
    finally:
        os.umask(before)
    folder = tmp_path / "cache" / "images"
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def refusal(files, **options) -> str:
    with pytest.raises(UsageError) as refused:
        decoded(files, **options)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def left_in(cache: Path) -> list[str]:
    return sorted(path.suffix for path in (cache / "images").iterdir())


def test_a_read_only_map_that_is_made_once(files, counted, cache):
    first, again = decoded(files), decoded(files)
    for pixels in (first, again):
        assert isinstance(pixels, np.memmap)
        assert not pixels.flags.writeable
        assert np.array_equal(pixels, CHANNELS_FIRST)
    assert set(counted.values()) == {1}
    assert len(counted) == N
    assert left_in(cache) == [".npy"]


@pytest.mark.parametrize("left", [0, 50, 1000])
def test_a_truncated_cache_is_decoded_again(files, counted, cache, left):
    decoded(files)
    (final,) = (cache / "images").glob("*.npy")
    final.write_bytes(final.read_bytes()[:left])
    assert np.array_equal(decoded(files), CHANNELS_FIRST)
    assert set(counted.values()) == {2}


def test_order_settings_and_changed_files_are_told_apart(files, counted):
    decoded(files)
    assert np.array_equal(decoded(files[::-1]), CHANNELS_FIRST[::-1])
    assert decoded(files, channels=1).shape == (N, 1, 8, 12)
    assert decoded(files, size=(4, 6)).shape == (N, 3, 4, 6)
    assert decoded(files, size=(4, 4), short_side=4).shape == (N, 3, 4, 4)
    before = counted.total()
    files[0].path.write_bytes(png(PIXELS[1]))
    os.utime(files[0].path, ns=(0, 0))
    assert np.array_equal(decoded(files)[0], CHANNELS_FIRST[1])
    assert counted.total() == before + N


@pytest.mark.parametrize("suffix", [".zip", ".tar", ".tar.gz"])
def test_members_of_archives(tmp_path, suffix):
    archive = tmp_path / f"set{suffix}"
    contents = {f"{number % 2}/{number:03d}.png": png(pixels) for number, pixels in enumerate(PIXELS)}
    contents |= {"README.txt": b"no image", "__MACOSX/._000.png": b"no image either"}
    if suffix == ".zip":
        with zipfile.ZipFile(archive, "w") as file:
            for name, content in contents.items():
                file.writestr(name, content)
    else:
        with tarfile.open(archive, "w:gz" if suffix == ".tar.gz" else "w") as tar:
            for name, content in contents.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
    names = members(archive)
    assert len(names) == N
    assert np.array_equal(decoded([ImageFile(archive, name) for name in names]), CHANNELS_FIRST)
    assert "1 of 2 images cannot be used; the first is none.png in" in refusal(
        [ImageFile(archive, names[0]), ImageFile(archive, "none.png")]
    )
    archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    with pytest.raises(UsageError, match="truncated or no archive"):
        members(archive)


def test_an_interrupted_decoding_goes_on_where_it_stopped(files, counted, monkeypatch, cache):
    monkeypatch.setattr(_cache, "CHUNK", 5 * ROW)
    real = _cache._decode_some
    chunks = 0

    def interrupted(*arguments):
        nonlocal chunks
        chunks += 1
        if chunks == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(_cache, "_decode_some", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(files)
    assert left_in(cache) == [".part"]
    assert len(counted) == 15
    assert np.array_equal(decoded(files), CHANNELS_FIRST)
    assert set(counted.values()) == {1}
    assert left_in(cache) == [".npy"]


def test_half_a_row_and_a_foreign_header_are_cut_off(files, monkeypatch, cache):
    final = Path(decoded(files).filename)
    whole = final.read_bytes()
    part = final.with_suffix(".part")
    for content in (whole[: len(whole) - 2 * ROW - 7], whole[:50], b"", b"x" * len(whole)):
        final.unlink(missing_ok=True)
        part.write_bytes(content)
        assert np.array_equal(decoded(files), CHANNELS_FIRST)
        assert final.read_bytes() == whole
        assert left_in(cache) == [".npy"]


CHILD = """
import os, sys, time
from pathlib import Path
from efficienttrust.data.images import _cache
from efficienttrust.data.images._files import ImageFile
real, left = _cache.decode, [int(sys.argv[2])]
def decode(*arguments):
    left[0] -= 1
    time.sleep(60 if left[0] < 0 else 0.005)
    os.write(1, b"decoded\\n")  # in one go, as two threads say so
    return real(*arguments)
_cache.decode, _cache.CHUNK = decode, 2 * {row}
_cache.decoded([ImageFile(path) for path in sorted(Path(sys.argv[1]).glob("*.png"))])
""".replace("{row}", str(ROW))


def start(folder: Path, before_it_hangs: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", CHILD, str(folder), str(before_it_hangs)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def test_a_killed_process_leaves_what_the_next_goes_on_from(files, counted, tmp_path, cache):
    with start(tmp_path, 12) as process:
        assert process.stdout is not None
        said = [process.stdout.readline() for _line in range(12)]
        process.send_signal(signal.SIGKILL)
    assert said == ["decoded\n"] * 12
    assert left_in(cache) == [".part"]
    assert np.array_equal(decoded(files), CHANNELS_FIRST)
    assert N - 12 <= counted.total() < N


def test_two_processes_decode_once(files, counted, tmp_path, cache):
    with start(tmp_path, N) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        assert np.array_equal(decoded(files), CHANNELS_FIRST)
        output = first + process.stdout.read()
    assert process.returncode == 0
    assert output.count("decoded") == N
    assert counted.total() == 0
    assert left_in(cache) == [".npy"]


def test_all_bad_files_are_counted_and_the_first_is_named(files, cache):
    files[7].path.write_bytes(files[7].path.read_bytes()[:90])
    files[9].path.write_bytes(b"nonsense")
    files[11].path.write_bytes(png(PIXELS[11][:4]))
    says = refusal(files)
    assert f"3 of {N} images cannot be used; the first is {files[7].path}" in says
    assert left_in(cache) == []
    files[7].path.write_bytes(png(PIXELS[7]))
    files[9].path.write_bytes(png(PIXELS[9]))
    assert f"the first is {files[11].path}: it is 12x4 pixels, others are 12x8" in refusal(files)
    assert decoded(files, size=(8, 12)).shape == (N, 3, 8, 12)  # scaled, they are alike


def test_an_interruption_behind_a_bad_file_does_not_make_it_good(files, monkeypatch):
    monkeypatch.setattr(_cache, "CHUNK", 5 * ROW)
    files[7].path.write_bytes(b"nonsense")
    real = _cache._decode_some

    def interrupted(some, *arguments):
        if files[20] in some:
            raise KeyboardInterrupt
        return real(some, *arguments)

    monkeypatch.setattr(_cache, "_decode_some", interrupted)
    with pytest.raises(KeyboardInterrupt):
        decoded(files)
    monkeypatch.setattr(_cache, "_decode_some", real)
    assert f"1 of {N} images cannot be used; the first is {files[7].path}" in refusal(files)


def test_missing_files_are_counted(files):
    files[3].path.unlink()
    files[5].path.unlink()
    assert f"2 of {N} image files are missing, the first is {files[3].path}" in refusal(files)
    assert "no images to decode" in refusal([])
    for file in files:
        file.path.write_bytes(b"nonsense")
    assert f"none of {N} images can be opened" in refusal(files)


def test_a_disk_that_fills_up_leaves_what_counts_next_time(files, counted, monkeypatch, cache):
    """The limit on the size of files stands in for the full disk: the system refuses the same write."""
    monkeypatch.setattr(_cache, "CHUNK", 2 * ROW)
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (N * ROW // 2, hard))
    try:
        says = refusal(files)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_soft, hard))
    assert "more than is free" in says
    assert "EFFICIENTTRUST_CACHE" in says
    assert left_in(cache) == [".part"]
    decoded_before = counted.total()
    assert np.array_equal(decoded(files), CHANNELS_FIRST)
    assert counted.total() < decoded_before + N // 2 + 4


def test_what_does_not_fit_is_refused_before_it_is_decoded(files, counted, monkeypatch, cache):
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(_cache.shutil, "disk_usage", lambda _path: usage._replace(free=100))
    assert f"take {(N * ROW + 128) / 1000:.1f} kB, more than is free" in refusal(files)
    assert counted.total() == 0
    assert left_in(cache) == []


def test_an_image_too_large_to_decode_is_to_be_scaled_down(files, monkeypatch):
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 12 * 8)
    files[4].path.write_bytes(png(np.zeros((16, 13, 3), dtype=np.uint8)))
    says = refusal(files)
    assert f"{files[4].path}: it has more than the 192 pixels that are decoded; scale it down first. Mend them" in says


def test_a_cache_that_cannot_be_written_is_one_line(files, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    assert "cannot be written to" in refusal(files, cache=tmp_path / "file")


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.setenv("EFFICIENTTRUST_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("EFFICIENTTRUST_CACHE")
    assert "efficienttrust" in cache_folder().parts
