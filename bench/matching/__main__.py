"""How long it takes to hold every component against every advisory, against a peer that compares pair by pair.

    python -m bench.matching [--components 1000000] [--ranges 10000] [--images 0] [--rounds 3]

Needs DATABASE_URL: makes a database of its own there and drops it. Components and ranges are spread over packages by
a power law, so that popular packages meet many ranges. The peer is univers, parsing and comparing both ends of each
candidate pair in Python (and, kinder to it, comparing versions that were parsed before); its rate is taken from a
sample in the same run and scaled to the same pairs. Times are of one PostgreSQL process: parallel query is off.
"""

import argparse
import io
import os
import random
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings.test")
os.environ["GOLDGATE_TEST_DATABASE"] = f"bench_matching_{os.getpid()}"

import django

django.setup()

from django.db import connection  # noqa: E402
from django.test.runner import DiscoverRunner  # noqa: E402
from univers.versions import DebianVersion  # noqa: E402

from scans.domain.versions import KEY_VERSION, deb_key  # noqa: E402
from scans.services.matching import match_advisories, match_everything  # noqa: E402

PACKAGES = 20_000
SEED = 20261124
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SAMPLE = 20_000  # pairs that the peer compares


def main() -> None:
    """Fill, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--components", type=int, default=1_000_000)
    parser.add_argument("--ranges", type=int, default=10_000)
    parser.add_argument("--images", type=int, default=0, help="images of 100 components each that are also there")
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    runner = DiscoverRunner(verbosity=0, interactive=False)
    databases = runner.setup_databases()
    try:
        measure(chosen)
    finally:
        runner.teardown_databases(databases)


def measure(chosen: argparse.Namespace) -> None:
    """Everything in one run, so that the ratios are of one machine and one moment."""
    dice = random.Random(SEED)
    began = time.perf_counter()
    components = make_components(dice, chosen.components)
    ranges = make_ranges(dice, chosen.ranges)
    fill(components, ranges, chosen.images)
    print(f"filled in {time.perf_counter() - began:.1f} s: {len(components)} components, {len(ranges)} ranges")
    candidates = candidate_pairs(components, ranges)
    first = timed(lambda: match_everything(now=NOW))
    pairs = count("scans_match")
    print(f"{candidates} candidate pairs, {pairs} matches; the first time {first:.2f} s (all of them written)")
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE scans_match")  # as autovacuum does by itself, sooner or later
    again = [timed(lambda: match_everything(now=NOW)) for _ in range(chosen.rounds)]
    ours = statistics.median(again)
    print(f"full re-match, nothing moved: {shown(again)} s, {candidates / ours:,.0f} pairs a second")
    single = [
        timed(lambda pk=pk: match_advisories(advisory_ids=[pk], now=NOW))
        for pk in dice.sample(range(1, len(ranges)), 50)
    ]
    print(f"one new advisory: median {statistics.median(single) * 1000:.1f} ms, worst {max(single) * 1000:.1f} ms")
    compare_with_peer(dice, components, ranges, candidates, ours)


def make_components(dice: random.Random, number: int) -> list[tuple[int, str]]:
    """(package, version): distinct versions, most of them of popular packages."""
    found: set[tuple[int, str]] = set()
    while len(found) < number:
        found.add((package(dice), version(dice)))
    return sorted(found)


def make_ranges(dice: random.Random, number: int) -> list[tuple[int, str]]:
    """(package, fixed version); all begin at the first version, as Debian's do."""
    return [(package(dice), version(dice)) for _ in range(number)]


def package(dice: random.Random) -> int:
    """A package's number; the distribution is skewed as the world's is."""
    return int(PACKAGES * dice.random() ** 2.2)


def version(dice: random.Random) -> str:
    """A Debian version of the usual shapes."""
    upstream = f"{dice.randrange(12)}.{dice.randrange(40)}.{dice.randrange(100)}"
    tail = dice.choice(["", "~rc1", "+dfsg", f"+deb12u{dice.randrange(9)}", "+b1"])
    return f"{dice.choice(['', '', '1:'])}{upstream}-{dice.randrange(1, 12)}{tail}"


def fill(components: list[tuple[int, str]], ranges: list[tuple[int, str]], images: int) -> None:
    """Write everything by COPY."""
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        cursor.execute("SET work_mem = '256MB'")
        cursor.execute(
            "INSERT INTO scans_feed (id, name, kind, url, index_url, allow_private, is_enabled, is_frozen,"
            " declared_ecosystems, ecosystems, snapshot_source, content_digest, record_count, problems, state,"
            " error_code, error, created_at) VALUES (gen_random_uuid(), 'bench', 'osv', '', '', false, true, false,"
            " '{}', '{}', '', '', 0, '[]', 'never', '', '', now()) RETURNING id"
        )
        feed_id = cursor.fetchone()[0]
        copy(
            "scans_component (id, purl, type, name, version, ecosystem, source_name, source_version, version_key,"
            " key_version, matched_at, created_at)",
            (
                f"{pk}\tpkg:deb/p{number}@{pk}\tdeb\tp{number}\t{text}\tDebian:12\tp{number}\t{text}"
                f"\t\\\\x{deb_key(text).hex()}\t{KEY_VERSION}\t2026-11-24\t2026-11-24"
                for pk, (number, text) in enumerate(components, 1)
            ),
        )
        copy(
            "scans_advisory (id, feed_id, osv_id, body, body_sha256, aliases, summary, modified_at, first_seen_at)",
            (f"{pk}\t{feed_id}\tX-{pk}\t\\\\x\t\t{{}}\t\t2026-11-24\t2026-11-24" for pk in range(1, len(ranges) + 1)),
        )
        copy(
            "scans_affectedrange (advisory_id, ecosystem, package, introduced, fixed, last_affected, introduced_key,"
            " end_key, is_end_inclusive, is_alone, incomparable, key_version)",
            (
                f"{pk}\tDebian:12\tp{number}\t0\t{text}\t\t\\\\x\t\\\\x{deb_key(text).hex()}\tf\tt\t\t{KEY_VERSION}"
                for pk, (number, text) in enumerate(ranges, 1)
            ),
        )
        if images:
            link_images(len(components), images)
        cursor.execute("VACUUM ANALYZE")


def link_images(components: int, images: int) -> None:
    """Images with 100 components each."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO registry_artifact (id, digest, media_type, artifact_type, kind, manifest_bytes, size_bytes,"
            ' subject_digest, annotations, config_digest, architecture, os, variant, "user", env, entrypoint, cmd,'
            " labels, image_created, diff_ids, history, top_chain_id, layer_count, created_at)"
            " SELECT gen_random_uuid(), 'sha256:' || lpad(to_hex(n), 64, '0'), '', '', 'image', 1, 1, '', '{}', '', '',"
            " '', '', '', '[]', '[]', '[]', '{}', '', '[]', '[]', '', 0, now() FROM generate_series(1, %s) n",
            [images],
        )
        cursor.execute(
            "INSERT INTO scans_artifactcomponent (artifact_id, component_id)"
            " SELECT a.id, 1 + (random() * %s)::int FROM registry_artifact a, generate_series(1, 100)"
            " ON CONFLICT DO NOTHING",
            [components - 1],
        )


def copy(target: str, lines) -> None:  # type: ignore[no-untyped-def]
    """COPY text rows."""
    with connection.cursor() as cursor, cursor.copy(f"COPY {target} FROM STDIN") as stream:
        buffer = io.StringIO()
        for line in lines:
            buffer.write(line + "\n")
            if buffer.tell() > 1 << 20:
                stream.write(buffer.getvalue())
                buffer = io.StringIO()
        stream.write(buffer.getvalue())


def candidate_pairs(components: list[tuple[int, str]], ranges: list[tuple[int, str]]) -> int:
    """Pairs of one package: what anybody must look at."""
    of_package: dict[int, int] = defaultdict(int)
    for number, _ in components:
        of_package[number] += 1
    return sum(of_package[number] for number, _ in ranges)


def compare_with_peer(
    dice: random.Random,
    components: list[tuple[int, str]],
    ranges: list[tuple[int, str]],
    candidates: int,
    ours: float,
) -> None:
    """The same pairs at univers' rate."""
    sample = [(dice.choice(components)[1], dice.choice(ranges)[1]) for _ in range(SAMPLE)]
    parsing = timed(lambda: [DebianVersion(left) < DebianVersion(right) for left, right in sample]) / SAMPLE
    parsed = [(DebianVersion(left), DebianVersion(right)) for left, right in sample]
    comparing = timed(lambda: [left < right for left, right in parsed]) / SAMPLE
    for name, seconds in (("parsing and comparing", parsing), ("comparing what was parsed before", comparing)):
        print(
            f"univers, {name}: {1 / seconds:,.0f} pairs a second, {candidates * seconds:.1f} s for these pairs:"
            f" {candidates * seconds / ours:.0f} times ours"
        )


def timed(deed: Callable[[], object]) -> float:
    """Seconds."""
    began = time.perf_counter()
    deed()
    return time.perf_counter() - began


def shown(seconds: list[float]) -> str:
    """min/median/max."""
    return "/".join(f"{one:.2f}" for one in (min(seconds), statistics.median(seconds), max(seconds)))


def count(table: str) -> int:
    """Rows."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])


if __name__ == "__main__":
    main()
