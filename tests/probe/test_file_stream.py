"""Following a file through everything that happens to log files. Runs without pytest, on 3.6 as well."""

import os
import random
import shutil
import subprocess
import sys
import tempfile
from typing import Any, Callable, Iterable, List, Optional, Sequence, Set, Tuple

from trainwatch.facts import Chunk, Gap, Resume
from trainwatch.probe.streams import file
from trainwatch.probe.streams.file import FileStream


class Folder:
    """A folder of its own for each test, and what a follower of one file in it said."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp()
        self.log = os.path.join(self.path, "train.log")
        self.said: List[Any] = []
        self.stream = FileStream("train.log", self.log)

    def __enter__(self) -> "Folder":
        return self

    def __exit__(self, *_: object) -> None:
        self.stream.close()
        shutil.rmtree(self.path)

    def write(self, data: bytes, name: str = "train.log", mode: str = "ab") -> None:
        with open(os.path.join(self.path, name), mode) as out:
            out.write(data)

    def poll(self) -> List[Any]:
        """Everything that the stream has to say now, without the times."""
        said = self.stream.poll()
        while not self.stream.at_end:
            said += self.stream.poll()
        self.said += said
        return [plain(fact) for fact in said]


def plain(fact: Any) -> Any:
    if isinstance(fact, Chunk):
        return (fact.offset, fact.data)
    if isinstance(fact, Gap):
        return (fact.offset, fact.reason)
    return fact.text


def test_a_growing_file_comes_in_order_and_once() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        assert folder.poll() == [(0, b"one\n")]
        assert folder.poll() == []
        folder.write(b"two")
        folder.write(b"\n")
        assert folder.poll() == [(4, b"two\n")]


def test_a_long_file_comes_in_blocks() -> None:
    with Folder() as folder:
        folder.write(b"x" * (2 * file.BLOCK + 5))
        assert [len(data) for _, data in folder.poll()] == [file.BLOCK, file.BLOCK, 5]


def test_a_file_that_appears_later_is_waited_for() -> None:
    with Folder() as folder:
        assert "waiting for" in folder.poll()[0]
        assert folder.poll() == []
        folder.write(b"one\n")
        assert folder.poll() == ["", (0, b"one\n")]


def test_a_truncated_file_starts_again_after_a_gap() -> None:
    with Folder() as folder:
        folder.write(b"one\ntwo\n")
        folder.poll()
        folder.write(b"3\n", mode="wb")
        assert folder.poll() == [(0, "truncated"), (0, b"3\n")]


def test_a_file_truncated_and_grown_past_the_offset_is_noticed() -> None:
    with Folder() as folder:
        folder.write(b"one\n" * 100)
        folder.poll()
        folder.write(b"two\n" * 200, mode="wb")
        assert folder.poll() == [(0, "truncated"), (0, b"two\n" * 200)]


def test_a_file_rewritten_to_the_same_length_is_noticed() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        folder.poll()
        folder.write(b"two\n", mode="wb")
        assert folder.poll() == [(0, "truncated"), (0, b"two\n")]


def test_the_nul_bytes_that_a_writer_leaves_after_copytruncate_are_skipped() -> None:
    with Folder() as folder, open(folder.log, "wb", buffering=0) as writer:
        writer.write(b"one\n" * 1000)
        folder.poll()
        os.truncate(folder.log, 0)
        writer.write(b"two\n")
        assert os.path.getsize(folder.log) == 4004
        assert folder.poll() == [(4000, "truncated"), (4000, b"two\n")]


def test_a_file_that_begins_with_nul_bytes_begins_with_a_gap() -> None:
    with Folder() as folder:
        folder.write(b"\0" * 5000 + b"one\n")
        assert folder.poll() == [(5000, "missing"), (5000, b"one\n")]


def test_a_terabyte_of_nothing_is_passed_over_at_once() -> None:
    with Folder() as folder:
        folder.write(b"")
        os.truncate(folder.log, 1 << 40)
        folder.write(b"one\n")
        assert folder.poll() == [(1 << 40, "missing"), (1 << 40, b"one\n")]


def test_a_rotated_file_is_read_to_its_end_first() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        folder.poll()
        folder.write(b"two\n")
        os.rename(folder.log, folder.log + ".1")
        folder.write(b"three\n")
        assert folder.poll() == [(4, b"two\n"), (0, "replaced"), (0, b"three\n")]


def test_an_empty_successor_is_not_followed_while_the_old_file_grows() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        folder.poll()
        os.rename(folder.log, folder.log + ".1")
        folder.write(b"")
        folder.write(b"two\n", "train.log.1")
        assert folder.poll() == [(4, b"two\n")]


def test_what_is_written_to_a_file_after_its_successor_began_is_marked() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        folder.poll()
        os.rename(folder.log, folder.log + ".1")
        folder.write(b"two\n")
        folder.poll()
        folder.write(b"late\n", "train.log.1")
        folder.write(b"three\n")
        assert folder.poll() == [(4, "missing"), (4, b"three\n")]
        assert folder.poll() == []


def test_a_deleted_file_is_followed_while_it_is_open() -> None:
    with Folder() as folder, open(folder.log, "ab", buffering=0) as writer:
        writer.write(b"one\n")
        folder.poll()
        os.unlink(folder.log)
        writer.write(b"two\n")
        said = folder.poll()
        assert said[0] == (4, b"two\n")
        assert "was deleted" in said[1]
        writer.write(b"three\n")
        assert folder.poll() == [(8, b"three\n")]
        folder.write(b"new\n")
        assert folder.poll() == ["", (0, "replaced"), (0, b"new\n")]


def test_a_longer_copy_of_the_same_file_is_continued() -> None:
    with Folder() as folder:
        folder.write(b"one\n" * 10)
        folder.poll()
        folder.write(b"one\n" * 10 + b"two\n", "copy")
        os.rename(os.path.join(folder.path, "copy"), folder.log)
        assert folder.poll() == [(40, b"two\n")]


def test_an_unreadable_file_is_a_trouble_that_passes() -> None:
    with Folder() as folder:
        os.mkdir(folder.log)
        assert folder.poll() == ["{} cannot be read: it is not a regular file".format(folder.log)]
        os.rmdir(folder.log)
        folder.write(b"one\n")
        assert folder.poll() == ["", (0, b"one\n")]


def test_a_pipe_is_never_opened() -> None:
    with Folder() as folder:
        os.mkfifo(folder.log)
        assert "not a regular file" in folder.poll()[0]


def test_resuming_continues_at_the_byte_or_says_that_it_cannot() -> None:
    with Folder() as folder:
        folder.write(b"one\ntwo\n")
        for resume, expected in (
            (Resume("train.log", 4, "one\n"), [(4, b"two\n")]),
            (Resume("train.log", 4, ""), [(0, "truncated"), (0, b"one\ntwo\n")]),
            (Resume("train.log", 8, "one\ntwo\n"), []),
            (Resume("train.log", 4, "ONE\n"), [(0, "truncated"), (0, b"one\ntwo\n")]),
            (Resume("train.log", 99, "x"), [(0, "truncated"), (0, b"one\ntwo\n")]),
            (Resume("train.log", 99, ""), [(0, "truncated"), (0, b"one\ntwo\n")]),
            (Resume("train.log", 4, "\u20ac\u20ac"), [(0, "truncated"), (0, b"one\ntwo\n")]),
        ):
            folder.stream.close()
            folder.stream = FileStream("train.log", folder.log, resume)
            assert folder.poll() == expected, resume


def test_a_lost_descriptor_goes_on_where_it_was() -> None:
    with Folder() as folder:
        folder.write(b"one\n")
        folder.poll()
        os.close(folder.stream._fd)  # what a dead network file system amounts to
        folder.write(b"two\n")
        folder.stream._fd = os.open(os.devnull, os.O_WRONLY)
        assert "cannot be read" in folder.poll()[0]
        assert folder.poll() == ["", (4, b"two\n")]


def test_a_successor_that_is_gone_again_before_it_is_opened_changes_nothing() -> None:
    with Folder() as folder, open(folder.log, "ab", buffering=0) as writer:
        writer.write(b"one\n")
        folder.poll()
        os.rename(folder.log, folder.log + ".1")
        folder.write(b"two\n")
        opened = file._open

        def too_late(path: str) -> Tuple[int, Tuple[int, int]]:
            os.rename(path, path + ".2")
            writer.write(b"late\n")
            return opened(path)

        file._open = too_late
        try:
            assert folder.poll() == []
        finally:
            file._open = opened
        assert folder.poll()[0] == (4, b"late\n")


ROTATING = """
import os, sys
for generation in range(300):
    with open(sys.argv[1], "ab", buffering=0) as log:
        for line in range(20):
            log.write(b"%d %d\\n" % (generation, line))
    os.rename(sys.argv[1], sys.argv[1] + "." + str(generation))
"""


def test_a_process_that_rotates_while_we_read_loses_no_line_of_a_file_that_was_opened() -> None:
    with Folder() as folder:
        writer = subprocess.Popen([sys.executable, "-c", ROTATING, folder.log])
        while writer.poll() is None:
            folder.poll()
        folder.poll()
        data = b"".join(fact.data for fact in folder.said if isinstance(fact, Chunk))
        lines = [tuple(map(int, line.split())) for line in data.splitlines()]
        assert lines == sorted(set(lines))
        opened = {generation for generation, _ in lines}
        assert len(lines) == 20 * len(opened)
        gaps = sum(1 for fact in folder.said if isinstance(fact, Gap))
        assert gaps == len(opened) - 1


LIVES = 3000 if "pytest" in sys.modules else 300

# --- random lives of a log file: what could be seen is sent once, everything else is marked


class File:
    """One file on disk: its lines since it was last truncated, and how old that content is."""

    def __init__(self, inode: int, age: int, lines: List[int]) -> None:
        self.inode, self.age, self.lines = inode, age, lines


class Life:
    """Somebody does everything to a log file; every line is unique, so that it is known what is missing."""

    def __init__(self, folder: Folder, seed: int) -> None:
        self.folder = folder
        self.dice = random.Random(seed)
        self.path_file: Optional[File] = None
        self.ages = 0
        self.written: List[Tuple[int, int]] = []  # line -> (age of its file, facts told before it)
        self.excused: Set[int] = set()  # lines of which nobody could know
        self.silent: Set[int] = set()  # lines missing without a gap
        self.breaks = 0
        self.fd = -1
        self.fd_file: Optional[File] = None
        self.fd_appends = True
        self.write()
        self.drain()

    # what a training does

    def write(self) -> None:
        """The training writes through the descriptor that it holds, wherever that leads now."""
        if self.fd_file is None:
            self.fd_appends = self.dice.random() < 0.5
            self.fd = os.open(
                self.folder.log, os.O_WRONLY | os.O_CREAT | self.fd_appends * os.O_APPEND
            )
            os.lseek(self.fd, 0, os.SEEK_END)
            self.fd_file = self.path_file = self.path_file or self.file_at(self.folder.log)
        for _ in range(self.dice.randint(1, 7)):
            os.write(self.fd, self.line(self.fd_file))
        self.breaks += self.fd_file is not self.path_file

    def reopen(self) -> None:
        """The training closes its log; the next write opens it again."""
        if self.fd >= 0:
            os.close(self.fd)
        self.fd, self.fd_file = -1, None

    # what others do to the file

    def append(self) -> None:
        if self.path_file is None or self.path_file is not self.fd_file or self.fd_appends:
            with open(self.folder.log, "ab", buffering=0) as other:
                self.path_file = self.path_file or self.file_at(self.folder.log)
                other.write(self.line(self.path_file))

    def touch(self) -> None:
        with open(self.folder.log, "ab"):
            self.path_file = self.path_file or self.file_at(self.folder.log)

    def copytruncate(self) -> None:
        if self.path_file is not None:
            self.breaks += 1
            self.cannot_be_known(self.path_file.lines)
            os.truncate(self.folder.log, 0)
            self.ages += 1
            self.path_file.age, self.path_file.lines = self.ages, []

    def rename(self) -> None:
        if self.path_file is not None:
            self.breaks += 1
            self.ages += 1
            os.rename(self.folder.log, "{}.{}".format(self.folder.log, self.ages))
            self.leave_path()

    def unlink(self) -> None:
        if self.path_file is not None:
            self.breaks += 1
            os.unlink(self.folder.log)
            self.leave_path()

    def replace(self) -> None:
        self.put_in_place([])

    def synchronise(self) -> None:
        """What rsync does: a longer copy takes the place of a file that nobody here writes to."""
        if self.path_file is not None and self.path_file is not self.fd_file:
            shutil.copyfile(self.folder.log, self.folder.log + ".new")
            self.put_in_place(self.path_file.lines)

    def put_in_place(self, lines: List[int]) -> None:
        self.breaks += 1
        with open(self.folder.log + ".new", "ab", buffering=0) as new:
            made = self.file_at(new.name)
            made.lines = list(lines)
            new.writelines(self.line(made) for _ in range(self.dice.randint(1, 5)))
        os.rename(self.folder.log + ".new", self.folder.log)
        self.leave_path()
        self.path_file = made

    def leave_path(self) -> None:
        if self.path_file is not None and self.folder.stream._fd < 0:
            self.cannot_be_known(self.path_file.lines)
        self.path_file = None

    # what the follower does

    def poll(self) -> None:
        self.folder.said += self.folder.stream.poll()

    def drain(self) -> None:
        """After this, nothing that the file says may be unsent."""
        self.folder.poll()
        if self.path_file is not None:
            assert set(self.path_file.lines) <= {line for line in self.told() if line}

    def restart(self) -> None:
        """The probe is killed and another one continues where the client stands."""
        unsent = set(range(1, len(self.written) + 1)) - set(self.told())
        here = set(self.path_file.lines) if self.path_file is not None else set()
        self.cannot_be_known(unsent - here)
        if self.fd_file is not None and self.fd_file.inode in self.held_by_follower()[1:]:
            self.excused.update(self.fd_file.lines)  # only the old probe held this file
        self.breaks += 1
        self.folder.stream.close()
        self.folder.stream = FileStream("train.log", self.folder.log, self.client_stands_at())
        self.reopen()

    def client_stands_at(self) -> Resume:
        offset, tail = 0, b""
        for fact in self.folder.said:
            if isinstance(fact, Gap):
                same = fact.reason == "missing" and fact.offset == offset
                offset, tail = fact.offset, tail if same else b""
            elif isinstance(fact, Chunk):
                offset, tail = fact.offset + len(fact.data), (tail + fact.data)[-64:]
        return Resume("train.log", offset, tail.decode("latin-1"))

    # book-keeping

    def file_at(self, path: str) -> File:
        self.ages += 1
        return File(os.stat(path).st_ino, self.ages, [])

    def line(self, file: File) -> bytes:
        self.written.append((file.age, len(self.told())))
        number = len(self.written)
        file.lines.append(number)
        if file is not self.path_file and file.inode not in self.held_by_follower():
            self.excused.add(number)
        return b"<line %08d>\n" % number

    def held_by_follower(self) -> List[int]:
        stream = self.folder.stream
        fds = [stream._fd] + [left.fd for left in stream._left]
        return [os.fstat(fd).st_ino for fd in fds if fd >= 0]

    def cannot_be_known(self, lines: Iterable[int]) -> None:
        """A file that is gone before a byte of it was sent leaves no trace."""
        if not self.folder.stream._tail:
            self.excused.update(lines)

    def told(self) -> List[int]:
        """Numbers of the lines sent, with 0 for each gap."""
        told: List[int] = []
        for fact in self.folder.said:
            if isinstance(fact, Gap):
                told.append(0)
            elif isinstance(fact, Chunk):
                told += [int(line[6:14]) for line in fact.data.split(b"\n") if line]
        return told

    # what must hold

    def check(self) -> None:
        self.reopen()
        self.unlink()
        self.write()
        self.drain()
        told = self.told()
        sent = [line for line in told if line]
        assert len(set(sent)) == len(sent), "sent twice"
        # a cut file is seen to be empty first and to begin with NUL bytes later: two gaps
        assert told.count(0) <= 2 * self.breaks, "a gap without a cause"
        self.check_offsets()
        missing = set(range(1, len(self.written) + 1)) - set(sent)
        self.silent = {line for line in missing if not self.is_marked(line, told)}
        assert self.silent <= self.excused, "missing without a gap: {}".format(self.silent)

    def is_marked(self, line: int, told: List[int]) -> bool:
        """A gap stands between what was told before the line was written and what follows it."""
        age, before = self.written[line - 1]
        for other in told[before:]:
            if other == 0:
                return True
            if other > line and self.written[other - 1][0] >= age:
                return False
        return False

    def check_offsets(self) -> None:
        expected = 0
        for fact in self.folder.said:
            if isinstance(fact, Gap):
                expected = fact.offset
            elif isinstance(fact, Chunk):
                assert fact.offset == expected
                expected += len(fact.data)


OPERATIONS = (
    [Life.write] * 6 + [Life.poll] * 6 + [Life.append] * 3 + [Life.drain] * 2
    + [Life.reopen, Life.touch, Life.copytruncate, Life.rename, Life.unlink, Life.replace, Life.synchronise, Life.restart]
)  # fmt: skip


def live(seed: int, operations: Sequence[Callable[[Life], None]], length: int = 25) -> Life:
    with Folder() as folder:
        life = Life(folder, seed)
        done = []
        try:
            for _ in range(length):
                operation = life.dice.choice(operations)
                done.append(operation.__name__)
                operation(life)
            life.check()
        except AssertionError as error:
            raise AssertionError("seed {}: {}: {}".format(seed, error, " ".join(done))) from error
        finally:
            life.reopen()
        return life


def test_thousands_of_random_lives_are_told_once_and_without_a_silent_gap() -> None:
    lives = [live(seed, OPERATIONS) for seed in range(LIVES)]
    lines = sum(len(life.written) for life in lives)
    assert lines > 35 * LIVES
    assert sum(len(life.silent) for life in lives) < 0.03 * lines, (
        "the excuses have become too easy"
    )


def test_without_accidents_there_is_no_gap() -> None:
    for seed in range(LIVES // 10):
        life = live(seed, [Life.write, Life.append, Life.reopen, Life.touch, Life.poll, Life.drain])
        assert life.told().count(0) <= 1, "only the unlinking at the end"


def test_the_end_of_a_long_file_is_to_be_had_before_the_rest() -> None:
    with Folder() as folder:
        with open(folder.log, "wb") as log:
            log.write(b"x" * (1 << 20) + b"newest\n")
        found = folder.stream.ahead(100, 0)
        assert found is not None
        assert (found.offset, found.size) == ((1 << 20) + 7 - 100, (1 << 20) + 7)
        assert found.data.endswith(b"newest\n")
        assert folder.stream.ahead(100, found.size) is None
        with open(folder.log, "ab") as log:
            log.write(b"more\n")
        again = folder.stream.ahead(100, found.size)
        assert again is not None
        assert (again.offset, again.data) == (found.size, b"more\n")
        while not folder.stream.at_end:
            folder.stream.poll()
        assert folder.stream.ahead(100, 0) is None


def test_a_short_file_has_no_end_worth_sending_first() -> None:
    with Folder() as folder:
        assert folder.stream.ahead(100, 0) is None
        with open(folder.log, "wb") as log:
            log.write(b"x" * 1000)
        assert folder.stream.ahead(100, 0) is None
