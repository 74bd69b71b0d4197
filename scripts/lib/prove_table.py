"""The results of scripts/prove as a table."""
from collections import Counter

HEAD = """| subject | crates | packages | units | hits | files | the same | known differences | not reproducible | ours \
| programs, tests | mutations | caught | s, uncached / cached |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"""
KNOWN = ("hashes", "order", "padding", "placeholder")


def counts(result):
    """The numbers of one line."""
    differs = Counter(cause for _, _, cause in result.get("differs", []))
    made = [it for it in result["mutations"] if it[1] != "unchanged"]
    return {
        "crates": result["crates"], "packages": result["packages"], "units": result["units"],
        "hits": result["outcomes"].get("hit", 0), "files": sum(result["files"].values()),
        "same": result["files"].get("same", 0), "known": sum(result["files"].get(kind, 0) for kind in KNOWN),
        "own": differs["not reproducible"], "ours": differs["ours"],
        "programs": result["programs"], "tests": result["tests"],
        "mutations": len(made), "caught": sum(not it[3].startswith("ESCAPED") for it in made),
        "uncached": result["seconds"]["uncached"], "cached": result["seconds"]["cached"],
    }


def cells(name, found):
    columns = [found[key] for key in ("crates", "packages", "units", "hits", "files", "same", "known", "own", "ours")]
    columns += [f"{found['programs']}, {found['tests']}", found["mutations"], found["caught"],
                f"{found['uncached']:.0f} / {found['cached']:.1f}"]
    return f"| {name} | " + " | ".join(map(str, columns)) + " |"


def row(result):
    return cells(result["subject"], counts(result))


def table(results):
    """All of them, with a line of sums."""
    total = Counter()
    for result in results:
        total.update(counts(result))
    lines = [HEAD, *map(row, results)]
    if results:
        lines.append(cells("all", total))
    return "\n".join(lines)


def by_kind(results):
    """What became of the changes of each kind of input."""
    found = {}
    for result in results:
        for _, kind, _, became in result["mutations"]:
            found.setdefault(kind, Counter())[became.partition(":")[0]] += 1
    lines = ["| changed input | tried | compiled or run | does not compile | hit, the same as uncached | escaped |",
             "| --- | --- | --- | --- | --- | --- |"]
    for kind, became in sorted(found.items()):
        if kind != "unchanged":
            columns = [became.total(), became["miss"] + became["uncached"], became["failed"],
                       became["hit, the same as uncached"], became["ESCAPED"]]
            lines.append(f"| {kind} | " + " | ".join(map(str, columns)) + " |")
    return "\n".join(lines)


def wrong(result):
    """What may not be."""
    for name, detail, cause in result.get("differs", []):
        if cause == "ours":
            yield f"{name}: {detail}"
    for kind, count in result["above"].items():
        if kind != "same":
            yield f"compiled above libraries of the cache: {count} files: {kind}"
    for name, part, kind in result["controls"]:
        if kind != "differs":
            yield f"a changed byte was not found in {part} of {name}: {kind}"
    if not result["messages"]:
        yield "other messages of the compiler"
    if not result["said"]:
        yield "a program or a test says something else"
    yield from result["sccfg"]
    for unit, kind, what, found in result["mutations"]:
        if found.startswith("ESCAPED"):
            yield f"{unit}: {kind} {what}: {found}"
