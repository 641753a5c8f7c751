#!/usr/bin/env python3
"""Makes a Tryton database with a sample company, for the tests and for the demo.

    seed.py FOLDER

FOLDER then holds `hub.sqlite`, which Tryton's server opens as the database `hub`, and `hub.json`
with what a client needs: the database's name, the administrator and the password, the hub's own
user with its key for REST and its password, and what the database was made of. It is made once; another run leaves it
alone, unless this program, Tryton's version or the month has changed (the sales are of the last
four months, and their books are those of the running year). Prints the content of `hub.json`.

Runs with the Python that has the packages of requirements.txt.
"""

import datetime
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import zoneinfo
from importlib import metadata
from pathlib import Path

# The folder is part of the source tree.
sys.dont_write_bytecode = True

DATABASE = "hub"
MODULES = ["party", "product", "account", "account_invoice", "stock", "account_invoice_stock", "sale"]
HERE = Path(__file__).resolve().parent


def main() -> None:
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        # Two test runs may begin together; the second finds the work done.
        fcntl.flock(lock, fcntl.LOCK_EX)
        for left_over in folder.glob("making-*"):
            shutil.rmtree(left_over)
        made_of = fingerprint()
        if known(folder).get("made_of") != made_of:
            print("Writing a sample company's books into Tryton: about a minute", file=sys.stderr)
            make(folder, made_of)
    print(json.dumps(known(folder)))


def known(folder: Path) -> dict:
    """What is in the folder already."""
    try:
        return json.loads((folder / f"{DATABASE}.json").read_text())
    except (FileNotFoundError, ValueError):
        return {}


def today() -> datetime.date:
    """The day in Japan, where the sample company is."""
    return datetime.datetime.now(zoneinfo.ZoneInfo("Asia/Tokyo")).date()


def fingerprint() -> str:
    """Changes when another database would be made."""
    made_of = hashlib.sha256(f"{today():%Y-%m}".encode())
    for file in sorted(HERE.glob("*.py")):
        made_of.update(file.read_bytes())
    for package in sorted(f"{d.name}=={d.version}" for d in metadata.distributions() if "tryton" in d.name.lower()):
        made_of.update(package.encode())
    return made_of.hexdigest()


def make(folder: Path, made_of: str) -> None:
    """Makes the database beside its place and moves it there when it is whole."""
    with tempfile.TemporaryDirectory(prefix="making-", dir=folder) as place:
        work = Path(place)
        password = secrets.token_urlsafe(18)
        (work / f"{DATABASE}.sqlite").touch()
        config = install(work, password, "sqlite://")
        # Takes a second: a run that finds the work done is spared it.
        import books

        key, user_password = books.write(DATABASE, config, today())
        about = {
            "database": DATABASE,
            "admin": "admin",
            "password": password,
            "user": books.HUB_USER,
            "key": key,
            "user_password": user_password,
            "made_of": made_of,
        }
        one_file(work / f"{DATABASE}.sqlite", work / "whole.sqlite")
        (work / f"{DATABASE}.json").write_text(json.dumps(about) + "\n")
        os.chmod(work / f"{DATABASE}.json", 0o600)
        # The description goes last: with it, the database is there.
        (folder / f"{DATABASE}.json").unlink(missing_ok=True)
        os.replace(work / "whole.sqlite", folder / f"{DATABASE}.sqlite")
        os.replace(work / f"{DATABASE}.json", folder / f"{DATABASE}.json")


def install(work: Path, password: str, uri: str, database: str = DATABASE) -> Path:
    """The modules in an empty database; returns the configuration that finds it."""
    config = work / "trytond.conf"
    config.write_text(f"[database]\nuri = {uri}\npath = {work}\n")
    secret = work / "password"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n")
    admin = [sys.executable, "-m", "trytond.cli.admin", "-c", config, "-d", database]
    subprocess.run(
        [*admin, "-u", "ir", "res", *MODULES, "--activate-dependencies", "--email", "admin@hinoki.example"],
        env={**os.environ, "TRYTONPASSFILE": str(secret)},
        check=True,
    )
    return config


def one_file(source: Path, target: Path) -> None:
    """Copies the database with what its write-ahead log holds, so that one file is all of it."""
    connection = sqlite3.connect(source)
    connection.execute("VACUUM INTO ?", [str(target)])
    connection.close()


if __name__ == "__main__":
    main()
