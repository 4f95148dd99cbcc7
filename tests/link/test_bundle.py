"""The probe as bytes is made once for each version of its sources."""

from pathlib import Path

from trainwatch.link.bundle import bundle

made = bundle.__wrapped__


def kept(state: Path) -> list[Path]:
    return list((state / "bundle").iterdir())


def test_it_is_kept_in_our_own_folder_and_found_there(state: Path) -> None:
    first = made()
    (file,) = kept(state)
    assert file.read_bytes() == first.first + first.rest
    assert file.stat().st_mode & 0o777 == 0o600
    before = file.stat().st_mtime_ns
    assert made() == first
    assert file.stat().st_mtime_ns == before


def test_a_torn_file_is_made_anew_and_an_older_version_goes(state: Path) -> None:
    whole = made()
    (file,) = kept(state)
    file.write_bytes(file.read_bytes()[:-1000])
    (state / "bundle" / "older").write_bytes(b"x")
    assert made() == whole
    assert [found.read_bytes() for found in kept(state)] == [whole.first + whole.rest]


def test_where_nothing_can_be_kept_it_is_made_all_the_same(state: Path) -> None:
    state.mkdir(parents=True)
    (state / "bundle").write_text("in the way")
    assert len(made().first) > 10_000
