"""Does the server lose or double anything, and does it still answer, when a whole lab uses it?

    .venv/bin/python benchmarks/web_load.py

Starts ``glassloop serve`` over two campaigns of three rounds each. Ten people record thirty
readings each, one a request, half of them to an open round (which is scored after each) and half
to pellets of their own; two robots have one round after another opened, one in each campaign, so
that both workers are busy; two people load pages and list readings all the time; one has the
overview open, which is worked out anew after each reading. Afterwards every reading must be there
exactly once and the ledgers sound. Times are of this machine and of the requests alone.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from statistics import median, quantiles
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from experiments.access import AccessStore, Role
from experiments.campaign import Campaign
from experiments.config import CampaignConfig
from experiments.entry import record_rows

ROOT: Final = Path(__file__).parents[1]
RESULT: Final = ROOT / "benchmarks" / "results" / "web_load.json"
N_RECORDERS, N_READINGS, N_READERS = 10, 30, 2
PAGES: Final = ("", "enter", "rounds", "history")
STANDING_EVERY_S: Final = 5.0
IDLE_S: Final = 4.0
"""After so long without a request a new connection is made: the server hangs up after 5 s."""


@dataclass
class Times:
    """How long answers took, ms, by kind; any number of threads add to it."""

    taken: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, seconds: float) -> None:
        """One more answer."""
        with self.lock:
            self.taken[kind].append(1000 * seconds)

    def summary(self) -> dict[str, dict[str, float]]:
        """Number, median and 95th percentile by kind."""
        return {
            kind: {
                "n": len(some),
                "median_ms": round(median(some), 1),
                "p95_ms": round(quantiles(some, n=20)[-1], 1),
            }
            for kind, some in sorted(self.taken.items())
        }


class Person:
    """Somebody at the server, with a connection and a token of their own."""

    def __init__(self, address: str, token: str, times: Times) -> None:
        self._connection = HTTPConnection(urlsplit(address).netloc, timeout=600)
        self._headers = {"Authorization": f"Bearer {token}"}
        self._times = times
        self._token = token
        self._last = time.perf_counter()

    def log_in(self) -> None:
        """Begin a session, for pages."""
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self._connection.request("POST", "/login", urlencode({"token": self._token}), form)
        answer = self._connection.getresponse()
        answer.read()
        cookie = str(answer.headers["set-cookie"]).partition(";")[0]
        self._headers = {"Cookie": cookie}

    def ask(self, kind: str, method: str, path: str, body: Any = None) -> Any:
        """One request; the answer's JSON, or its text.

        Raises:
            SystemExit: If it was refused.
        """
        text = None if body is None else json.dumps(body)
        headers = self._headers | ({} if body is None else {"Content-Type": "application/json"})
        if time.perf_counter() - self._last > IDLE_S:
            self._connection.close()
        begun = time.perf_counter()
        self._connection.request(method, path, text, headers)
        answer = self._connection.getresponse()
        raw = answer.read().decode()
        self._last = time.perf_counter()
        self._times.add(kind, self._last - begun)
        if answer.status >= 300:
            raise SystemExit(f"{method} {path}: {answer.status} {raw[:400]}")
        is_json = str(answer.headers["content-type"]).startswith("application/json")
        return json.loads(raw) if is_json else raw


def prepared(root: Path, name: str) -> list[str]:
    """A real campaign with two rounds closed and one open, its pellets made; their names."""
    with Campaign.create(root / name, CampaignConfig(name=name), pictures=False) as campaign:
        for number in range(3):
            round_ = campaign.propose(glasses=3, trilayers=1)
            pellets = [item["pellet"] for item in round_["glasses"]]
            specimens = [
                {"specimen": item[key], "kind": kind, "status": "made"}
                for item in round_["glasses"]
                for key, kind in (("id", "jar"), ("pellet", "pellet"))
            ]
            readings = [] if number == 2 else [_reading(one, 1e-5 * (1 + i), "first", 60)
                                               for i, one in enumerate(pellets)]  # fmt: skip
            record_rows(campaign.ledger, campaign.config, campaign.folder,
                        specimens=specimens, readings=readings, by="lab")  # fmt: skip
            if number < 2:
                campaign.end_round(round_["round"])
    return pellets


def _reading(specimen: str, value: float, note: str, temperature_c: float) -> dict[str, Any]:
    return {
        "specimen": specimen, "property": "ionic_conductivity", "value": f"{value:.6e}",
        "unit": "S/cm", "temperature_c": temperature_c, "note": note,
    }  # fmt: skip


def record(
    person: Person, number: int, pellets: list[str], sent: Counter[tuple[str, float]]
) -> None:
    """Thirty readings, one a request."""
    pellet = pellets[number % len(pellets)]
    if number >= N_RECORDERS // 2:
        jar, pellet = f"P{number}-jar", f"P{number}-pellet"
        person.ask("write", "POST", "/api/v1/campaigns/lab/specimens", {"rows": [
            {"specimen": jar, "kind": "jar", "status": "made", "x": 0.1 + number / 100,
             "milling_media": "zirconia", "milling_time_h": 3, "milling_speed_rpm": 500},
            {"specimen": pellet, "kind": "pellet", "status": "made", "jar": jar,
             "pressing_pressure_mpa": 450, "mass_mg": 150},
        ]})  # fmt: skip
    for i in range(N_READINGS):
        value = 1e-5 * (1 + number / 10 + i / 1000)
        row = _reading(pellet, value, f"load {number} {i}", 60)
        key = (row["note"], float(row["value"]))
        done = person.ask("write", "POST", "/api/v1/campaigns/lab/readings", {"rows": [row]})
        if done["readings_added"] != 1:
            raise SystemExit(f"reading {key} was answered with {done}")
        sent[key] += 1


def propose(person: Person, campaign: str, is_over: threading.Event, opened: list[str]) -> None:
    """One round after the other, until nobody records any more."""
    while not is_over.is_set():
        body = {"glasses": 2, "trilayers": 1, "accept": True}
        job = person.ask("job", "POST", f"/api/v1/campaigns/{campaign}/proposals", body)
        while job["state"] in ("queued", "running"):
            time.sleep(0.5)
            job = person.ask("job", "GET", f"/api/v1/jobs/{job['id']}")
        if job["state"] == "done":
            opened.append(f"{campaign} {job['result']['round']}")
        elif "others changed the ledger" in job["error"]:
            opened.append(f"{campaign} overtaken at {time.monotonic():.1f}")
        else:
            raise SystemExit(f"proposal: {job}")


def read(person: Person, api: Person, is_over: threading.Event) -> None:
    """Pages one after the other, and the newest readings by the API."""
    person.log_in()
    while not is_over.is_set():
        for page in PAGES:
            person.ask("page read", "GET", f"/c/lab/{page}")
        api.ask("API read", "GET", "/api/v1/campaigns/lab/readings?limit=1000")


def look(person: Person, is_over: threading.Event) -> None:
    """Where it stands, as an open overview asks for it."""
    person.log_in()
    while not is_over.wait(STANDING_EVERY_S):
        person.ask("standing", "GET", "/c/lab/parts/standing")


def all_done(people: list[Callable[[], None]], others: list[Callable[[], None]],
             is_over: threading.Event) -> None:  # fmt: skip
    """Let everybody work; the others stop when the people are done.

    Raises:
        SystemExit: If anybody was refused.
    """
    failed: list[str] = []

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except (SystemExit, OSError) as error:
            failed.append(str(error))

    threads = [threading.Thread(target=guarded, args=(work,)) for work in (*people, *others)]
    for thread in threads:
        thread.start()
    for thread in threads[: len(people)]:
        thread.join()
    is_over.set()
    for thread in threads[len(people) :]:
        thread.join()
    if failed:
        raise SystemExit("\n".join(failed))


def faults(root: Path, sent: Counter[tuple[str, float]], opened: list[str]) -> list[str]:
    """What was lost, doubled or is unsound; empty when all is well."""
    found = [f"{name} was told of twice" for name, n in Counter(opened).items() if n > 1]
    opened = [one for one in opened if "overtaken" not in one]
    for name in ("lab", "beside"):
        with Campaign.open(root / name) as campaign:
            found += campaign.verify()
            rounds = [f"{name} {one}" for one in campaign.ledger.rounds()["id"]]
            found += [f"{one} is lost" for one in opened if one.startswith(f"{name} ")
                      and one not in rounds]  # fmt: skip
            if name == "lab":
                rows = campaign.ledger.readings().to_dict("records")
                held = Counter(
                    (row["note"], row["lower"]) for row in rows if row["note"].startswith("load ")
                )
                found += [f"reading {key} is there {held[key]} times, sent {n}" for key, n in
                          (sent | held).items() if held[key] != 1 or sent[key] != 1]  # fmt: skip
    return found


def main() -> None:
    """Load, check, write; exit code 1 if anything was lost, doubled or refused."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(Path(folder))
    RESULT.write_text(json.dumps(found, indent=1) + "\n")
    print(json.dumps(found, indent=1))
    sys.exit(bool(found["faults"]))


def measured(root: Path) -> dict[str, Any]:
    """Make the campaigns, load the server, check what it holds."""
    print("making two campaigns of three rounds")
    pellets = prepared(root, "lab")
    prepared(root, "beside")
    store = AccessStore(root)
    command = [sys.executable, "-u", "-m", "experiments.cli", "serve",
               "--campaign", str(root), "--port", "0"]  # fmt: skip
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        address = str(server.stdout.readline() if server.stdout else "").split()[-1]
        times, is_over = Times(), threading.Event()
        sent, opened = Counter[tuple[str, float]](), list[str]()

        def person(name: str, role: Role = Role.RECORD) -> Person:
            return Person(address, store.add(name, role), times)

        recorders = [person(f"recorder {i}") for i in range(N_RECORDERS)]
        robots = {name: person(f"robot {name}") for name in ("lab", "beside")}
        readers = [(person(f"reader {i}", Role.READ), person(f"reader {i}", Role.READ))
                   for i in range(N_READERS)]  # fmt: skip
        watcher = person("watcher", Role.READ)
        begun = time.perf_counter()
        all_done(
            [lambda i=i, one=one: record(one, i, pellets, sent) for i, one in enumerate(recorders)],
            [
                *(
                    lambda n=n, one=one: propose(one, n, is_over, opened)
                    for n, one in robots.items()
                ),
                *(lambda pair=pair: read(*pair, is_over) for pair in readers),
                lambda: look(watcher, is_over),
            ],
            is_over,
        )
        took_s = time.perf_counter() - begun
    finally:
        server.terminate()
        server.wait()
    return {
        "command": "python benchmarks/web_load.py",
        "cpus": os.cpu_count(),
        "took_s": round(took_s, 1),
        "readings": sum(sent.values()),
        "rounds_opened": sorted(opened),
        "faults": faults(root, sent, opened),
        "answers": times.summary(),
    }


if __name__ == "__main__":
    main()
