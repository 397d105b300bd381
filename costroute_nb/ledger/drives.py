"""Whether a path lies on a network drive, where processes share no memory."""

from __future__ import annotations

from pathlib import Path

_NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4"}
    | {"smb3", "smbfs"}
)


def is_network_drive(path: Path, mounts: Path = Path("/proc/self/mounts")) -> bool:
    """Return whether a path is on NFS, SMB, FUSE or their like.

    FUSE counts as one because most of it is (Google Drive, sshfs, s3fs). Where the
    system has no list of mounts the answer is no.
    """
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    place = path.resolve()
    depth, kind = -1, ""
    for line in lines:
        _, mount, found, *_ = line.split(" ")
        root = Path(mount.replace("\\040", " "))
        if place.is_relative_to(root) and len(root.parts) >= depth:
            depth, kind = len(root.parts), found
    return kind in _NETWORK or kind == "fuse" or kind.startswith("fuse.")
