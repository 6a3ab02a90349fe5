"""Whether the files of a round's folder are whole."""

from pathlib import Path

from experiments.round_files import ROUND_FILES


def wrong_in_folder(folder: Path) -> list[str]:
    """Files that are missing, cut off or left over, one sentence each."""
    held = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return [
        *(f"{folder.name}/{name} is missing" for name in ROUND_FILES if name not in held),
        *(f"{folder.name}/{name} was left over" for name in sorted(held - {*ROUND_FILES})),
        *(
            f"{folder.name}/{name} is cut off"
            for name in sorted(held & {*ROUND_FILES})
            if not is_whole(folder / name)
        ),
    ]


def is_whole(path: Path) -> bool:
    """Whether a file ends as files of its kind do, and holds no zero bytes where text is."""
    content = path.read_bytes()
    if path.suffix == ".png":
        return content.startswith(b"\x89PNG") and content.endswith(b"IEND\xaeB`\x82")
    end = {".html": b"</html>", ".json": b"}", ".csv": b"\n"}[path.suffix]
    return b"\0" not in content and content.rstrip(b" \n").endswith(end.strip()) and content != b""
