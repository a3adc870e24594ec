"""The two Lua scripts of the Redis store, and what their replies mean.

The router's state is one hash. A field `cell:KEY` holds `VERSION:JSON`; `seq` is the highest version; `recent` names
the last writes. A version is the server's time in microseconds or one more than the last, so it never comes back:
not after FLUSHALL, not after a failover to a replica that knows less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm7router.state.cells import Cell
from llm7router.state.store.codec import PREFIX, load

ABSENT, UNREADABLE = "", "?"  # versions of a field that is not there, and of one that this program did not write

SWAP = """
-- KEYS[1]: the hash. ARGV: the name of this write, then for each cell its field, the version that it must have,
-- and its new text ('' to compare only). All versions match: everything is written. Otherwise nothing is.
local time = redis.call('TIME')
local ask = {'seq', 'recent'}
for i = 2, #ARGV, 3 do ask[#ask + 1] = ARGV[i] end
local held = redis.call('HMGET', KEYS[1], unpack(ask))
local seq, recent = held[1] or '', held[2] or ''
-- A reply may be lost with its connection and the client ask again: what is done is not done twice.
if string.find(recent, ARGV[1], 1, true) then return {time[1], time[2], 'again', seq} end
for i = 3, #held do
  local version = held[i] and (string.match(held[i], '^(%d+):') or '?') or ''
  if version ~= ARGV[3 * (i - 2)] then
    local reply = {time[1], time[2], 'other', seq}
    for j = 3, #held do reply[#reply + 1] = held[j] or '' end
    return reply
  end
end
local stamp = string.format('%.0f', math.max((tonumber(seq) or 0) + 1, time[1] * 1000000 + time[2]))
local writes = {'seq', stamp, 'recent', ARGV[1] .. string.sub(recent, 1, 600)}
for i = 2, #ARGV, 3 do
  if ARGV[i + 2] ~= '' then
    writes[#writes + 1] = ARGV[i]
    writes[#writes + 1] = stamp .. ':' .. ARGV[i + 2]
  end
end
if #writes > 4 then redis.call('HSET', KEYS[1], unpack(writes)) end
return {time[1], time[2], 'done', seq, stamp}
"""

READ = """
-- KEYS[1]: the hash. ARGV[1]: the `seq` that the client has seen. The whole hash, unless nothing was written since.
local time = redis.call('TIME')
local seq = redis.call('HGET', KEYS[1], 'seq') or ''
if seq == ARGV[1] then return {time[1], time[2], seq} end
return {time[1], time[2], seq, redis.call('HGETALL', KEYS[1])}
"""


@dataclass(frozen=True, slots=True)
class Held:
    """A cell as this process last saw it. None: the field cannot be read and counts as unused."""

    version: str
    cell: Cell | None


def held(text: str, where: str) -> Held:
    """What a field holds.

    Raises:
        StoreError: a newer program wrote it.
    """
    version, colon, json = text.partition(":")
    if not (colon and version.isascii() and version.isdigit()):
        return Held(UNREADABLE, None)
    try:
        return Held(version, load(json, where))
    except ValueError:
        return Held(version, None)


def swap_arguments(name: str, fields: Sequence[str], seen: Mapping[str, Held], texts: Mapping[str, str]) -> list[str]:
    """ARGV of `SWAP` for a write of that name: all `fields` are compared, `texts` written. Keys are cells' keys."""
    arguments = [name]
    for key in fields:
        version = seen[key].version if key in seen else ABSENT
        arguments += [PREFIX + key, version, texts.get(key, "")]
    return arguments


def cells_of(hash_reply: Sequence[Any], where: str) -> dict[str, Held]:
    """The cells in a reply to HGETALL, by key."""
    pairs = zip(hash_reply[::2], hash_reply[1::2], strict=True)
    return {field.removeprefix(PREFIX): held(text, where) for field, text in pairs if field.startswith(PREFIX)}
