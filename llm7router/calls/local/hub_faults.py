"""What goes wrong while a model is fetched, each in one line with what to do."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterator

import httpx

from llm7router.calls.local.errors import LocalModelError
from llm7router.calls.local.hub_cache import HubFile
from llm7router.proxied import ProxyFailedError

PREFERRED = "fetch it again, or download it yourself and give its path"


def refused(status: int) -> httpx.HTTPStatusError:
    """An answer that holds no file."""
    request = httpx.Request("GET", "")
    return httpx.HTTPStatusError(f"HTTP {status}", request=request, response=httpx.Response(status, request=request))


def shown(endpoint: str) -> str:
    """The endpoint without a user and a password that may stand in it."""
    scheme, found, rest = endpoint.rpartition("://")
    return f"{scheme}{found}{rest.rpartition('@')[2]}"


def key_for_header(wanted: HubFile, key: str | None) -> str | None:
    """The key, or LocalModelError if it is none: a header cannot carry a line break or what is not ASCII."""
    if key and not (key.isascii() and key.isprintable()):
        raise LocalModelError(
            f"{wanted}: HF_TOKEN holds a line break or a character that no key has", "copy it again, or unset it"
        )
    return key


@contextlib.contextmanager
def explained(wanted: HubFile, endpoint: str, hint: str = "") -> Iterator[None]:
    """Whatever huggingface_hub, httpx or the disk raise inside leaves as LocalModelError, without key or traceback.

    `hint` is for who cannot reach the hub.
    """
    from huggingface_hub import errors as hub

    page = f"{endpoint}/{wanted.repo}"
    try:
        yield
    except LocalModelError:
        raise
    except hub.GatedRepoError:
        told = (f"{wanted}: its owner wants you to agree to terms first", f"agree at {page}, then set HF_TOKEN")
    except hub.RevisionNotFoundError:
        told = (f"{wanted}: the repository has no revision {wanted.revision}", f"see {page}/tree/main")
    except hub.RepositoryNotFoundError:
        told = (f"{wanted}: no such repository, or a private one", f"see {page}; private ones need HF_TOKEN")
    except hub.EntryNotFoundError:
        told = (f"{wanted}: the repository has no such file", f"see {page}/tree/{wanted.revision}")
    except hub.OfflineModeIsEnabled:
        told = (f"{wanted}: HF_HUB_OFFLINE forbids to fetch it", "unset HF_HUB_OFFLINE")
    except (hub.HfHubHTTPError, httpx.HTTPStatusError) as error:
        status = error.response.status_code
        key = "; your HF_TOKEN may be wrong" if status == 401 else ""
        told = (f"{wanted}: {endpoint} answered {status}{key}", "try again later")
    except httpx.UnsupportedProtocol:
        told = (f"{wanted}: {endpoint} is, or leads to, no address of the web", "correct or unset HF_ENDPOINT")
    except httpx.TooManyRedirects:
        told = (f"{wanted}: {endpoint} redirects in circles", "log in to the network, or correct HF_ENDPOINT")
    except ProxyFailedError as error:
        told = (f"{wanted}: {endpoint} cannot be reached: {error}", "correct `proxy` in router.yaml, and run it again")
    except httpx.HTTPError as error:
        told = (
            f"{wanted}: {endpoint} cannot be reached ({type(error).__name__})",
            hint or "go online and run it again; it resumes",
        )
    except OSError as error:
        told = _disk(wanted, error)
    except ValueError as error:
        told = (f"{wanted}: {str(error).splitlines()[0][:200]}", "correct the path")
    else:
        return
    raise LocalModelError(*told) from None


def _disk(wanted: HubFile, error: OSError) -> tuple[str, str]:
    reason = (error.strerror or str(error).splitlines()[0])[:200]
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said = f": {reason}" if "GB" in reason else ""
        return f"{wanted}: the disk is full{said}", "make room, or set HF_HOME to another disk, and run it again"
    where = f" ({error.filename})" if error.filename else ""
    return f"{wanted}: cannot be written: {reason}{where}", "correct that, or set HF_HOME to a directory of your own"
