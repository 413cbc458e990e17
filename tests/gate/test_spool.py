"""The spool: durable before the answer, bounded, and honest when it cannot."""

import asyncio
import os
import threading
import time

import pytest

from gate import spool as spool_module
from gate.spool import Spool, SpoolUnavailable, bytes_in, closed_segments, lines_of


def run(test):
    return asyncio.run(asyncio.wait_for(test, 20))


def on_disk(directory):
    return [line for path in closed_segments(directory) for line in lines_of(path)]


class TestAppend:
    def test_a_line_is_on_the_disk_when_append_returns(self, tmp_path):
        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            await spool.append(b'{"id":"1"}')
            (path,) = tmp_path.iterdir()
            assert path.read_bytes() == b'{"id":"1"}\n'
            spool.close()

        run(test())
        assert on_disk(tmp_path) == [b'{"id":"1"}']

    def test_it_is_synced_before_it_returns(self, tmp_path, monkeypatch):
        synced = []
        real = os.fdatasync
        monkeypatch.setattr(spool_module.os, "fdatasync", lambda descriptor: (real(descriptor), synced.append(1)))

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            await spool.append(b"a")
            assert synced == [1]
            spool.close()

        run(test())

    def test_many_at_once_share_few_syncs(self, tmp_path, monkeypatch):
        synced = []
        real = os.fdatasync

        def slow(descriptor):
            time.sleep(0.01)
            real(descriptor)
            synced.append(1)

        monkeypatch.setattr(spool_module.os, "fdatasync", slow)

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            await asyncio.gather(*(spool.append(b"%d" % number) for number in range(500)))
            spool.close()

        run(test())
        assert sorted(on_disk(tmp_path), key=int) == [b"%d" % number for number in range(500)]
        assert len(synced) < 50


class TestRefusal:
    def test_a_full_spool_takes_nothing_until_there_is_room(self, tmp_path, monkeypatch):
        monkeypatch.setattr(spool_module, "RETRY_SECONDS", 0.05)
        monkeypatch.setattr(spool_module, "SEGMENT_SECONDS", 0.05)

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=100)
            await spool.append(b"x" * 80)
            with pytest.raises(SpoolUnavailable, match="full"):
                await spool.append(b"y" * 80)
            with pytest.raises(SpoolUnavailable):
                await spool.append(b"z")
            for path in closed_segments(tmp_path):
                path.unlink()
            for _ in range(200):
                await asyncio.sleep(0.02)
                if not spool.error:
                    break
            await spool.append(b"again")
            spool.close()

        run(test())
        assert on_disk(tmp_path) == [b"again"]

    def test_a_disk_that_fails_refuses(self, tmp_path, monkeypatch):
        def broken(descriptor):
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(spool_module.os, "fdatasync", broken)

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            with pytest.raises(SpoolUnavailable, match="Input/output error"):
                await spool.append(b"x")
            spool.close()

        run(test())

    def test_a_disk_that_hangs_refuses_in_time(self, tmp_path, monkeypatch):
        monkeypatch.setattr(spool_module, "WAIT_SECONDS", 0.3)
        release = threading.Event()
        real = os.fdatasync
        monkeypatch.setattr(spool_module.os, "fdatasync", lambda descriptor: (release.wait(5), real(descriptor)))

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            first = asyncio.ensure_future(spool.append(b"held"))
            await asyncio.sleep(0.05)
            began = time.monotonic()
            with pytest.raises(SpoolUnavailable, match="in time"):
                await spool.append(b"behind it")
            with pytest.raises(SpoolUnavailable, match="in time"):
                await first
            assert time.monotonic() - began < 4
            release.set()
            spool.close()

        run(test())
        assert b"behind it" not in on_disk(tmp_path)

    def test_a_writer_that_fails_refuses_everything_from_then_on(self, tmp_path, monkeypatch):
        def broken(descriptor):
            raise RuntimeError("bug")

        monkeypatch.setattr(spool_module.os, "fdatasync", broken)
        monkeypatch.setattr(spool_module, "WAIT_SECONDS", 0.3)

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            first = asyncio.ensure_future(spool.append(b"x"))
            await asyncio.sleep(0.1)
            with pytest.raises(SpoolUnavailable, match="writer failed"):
                await spool.append(b"y")
            with pytest.raises(SpoolUnavailable):
                await first
            spool.close()

        run(test())

    def test_the_queue_is_bounded(self, tmp_path, monkeypatch):
        monkeypatch.setattr(spool_module, "MAX_WAITING", 3)
        release = threading.Event()
        real = os.fdatasync
        monkeypatch.setattr(spool_module.os, "fdatasync", lambda descriptor: (release.wait(5), real(descriptor)))

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            waiting = [asyncio.ensure_future(spool.append(b"%d" % number)) for number in range(3)]
            await asyncio.sleep(0.05)
            with pytest.raises(SpoolUnavailable, match="too many"):
                await spool.append(b"4")
            release.set()
            await asyncio.gather(*waiting)
            spool.close()

        run(test())


class TestSegments:
    def test_they_are_closed_by_age_and_by_size(self, tmp_path, monkeypatch):
        monkeypatch.setattr(spool_module, "SEGMENT_SECONDS", 0.1)
        monkeypatch.setattr(spool_module, "SEGMENT_BYTES", 50)

        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            await spool.append(b"x" * 60)
            await asyncio.sleep(0.05)
            assert [path.suffix for path in tmp_path.iterdir()] == [".jsonl"]
            await spool.append(b"y")
            await asyncio.sleep(0.5)
            assert {path.suffix for path in tmp_path.iterdir()} == {".jsonl"}
            spool.close()

        run(test())
        assert on_disk(tmp_path) == [b"x" * 60, b"y"]

    def test_one_that_is_being_written_is_left_alone(self, tmp_path):
        async def test():
            spool = Spool(tmp_path, asyncio.get_running_loop(), max_bytes=10**6)
            await spool.append(b"x")
            assert closed_segments(tmp_path) == []
            spool.close()

        run(test())

    def test_one_left_by_a_dead_process_is_taken_without_its_torn_line(self, tmp_path):
        (tmp_path / "dead-1.open").write_bytes(b'{"id":"1"}\n{"id":"2"}\n{"id":')
        (path,) = closed_segments(tmp_path)
        assert lines_of(path) == [b'{"id":"1"}', b'{"id":"2"}']

    def test_its_size_is_known(self, tmp_path):
        (tmp_path / "a-1.jsonl").write_bytes(b"x" * 10)
        (tmp_path / "a-2.open").write_bytes(b"x" * 5)
        assert bytes_in(tmp_path) == 15
        assert bytes_in(tmp_path, without="a-2.open") == 10
