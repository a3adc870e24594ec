"""Which directories are on another machine. SQLite's shared memory works among the processes of one machine only."""

from __future__ import annotations

import re
from pathlib import Path

NETWORK = re.compile(r"9p|afs|beegfs|ceph|cifs|davfs|fuse\.\S+|gpfs|lustre|ncpfs|nfs4?|smb\w*")
LOCAL_FUSE = frozenset({"fuse.portal", "fuse.ntfs-3g", "fuse.exfat", "fuse.lxcfs", "fuse.fuse-overlayfs"})
"""Of the file systems in user space, those over a local disk; others are held to be remote (sshfs, s3fs, rclone)."""


def network_mount(path: Path, mounts: str | None = None) -> str | None:
    """The kind and place of the network mount that holds `path` ("nfs4 at /home"), or None for a local disk.

    `mounts` is the text of /proc/mounts; None reads it, and a system without one is taken to be local.
    """
    if mounts is None:
        try:
            mounts = Path("/proc/mounts").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
    path = path.expanduser().resolve()
    found: tuple[Path, str] | None = None
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        place = Path(_unescaped(fields[1]))
        # Of several mounts on one place the last is on top.
        if path.is_relative_to(place) and (found is None or len(place.parts) >= len(found[0].parts)):
            found = place, fields[2]
    if found is None or found[1] in LOCAL_FUSE or not NETWORK.fullmatch(found[1]):
        return None
    return f"{found[1]} at {found[0]}"


def _unescaped(place: str) -> str:
    """/proc/mounts writes spaces and the like as octal escapes."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), place)
