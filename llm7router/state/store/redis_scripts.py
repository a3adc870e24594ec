"""The two Lua scripts of the Redis store, and what their replies mean.

The router's state is one hash. A field `cell:KEY` holds `VERSION:JSON`; `seq` is the highest version, `recent` names
the last writes, and `turn` the write that the others let go first. A version is the server's time in microseconds or
one more than the last, so it never comes back: not after FLUSHALL, not after a failover to a replica that knows less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm7router.state.cells import Cell
from llm7router.state.store.codec import PREFIX, load

ABSENT, UNREADABLE = "", "?"  # versions of a field that is not there, and of one that this program did not write

SWAP = """
-- KEYS[1]: the hash. ARGV: the name of this write, for how many microseconds it may be given the turn, then for each
-- cell its field, the version that it must have, and its new text ('' to compare only).
-- All versions match: everything is written. Otherwise nothing is, and this write has the turn unless another has it:
-- until then nobody else writes, so however many there are, each comes through on its second try with the turn.
-- The reply is one line, OUTCOME SECONDS MICROSECONDS SEQ VERSION, which is parsed faster than a list; with the
-- outcome `other` the fields follow.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local ask, any = {'seq', 'recent', 'turn'}, false
for i = 3, #ARGV, 3 do
  ask[#ask + 1] = ARGV[i]
  any = any or ARGV[i + 2] ~= ''
end
local held = redis.call('HMGET', KEYS[1], unpack(ask))
local seq, recent = held[1] or '0', held[2] or ''
local function line(outcome, version)
  return outcome .. ' ' .. time[1] .. ' ' .. time[2] .. ' ' .. seq .. ' ' .. version
end
-- A reply may be lost with its connection and the client ask again: what is done is not done twice.
if string.find(recent, ARGV[1], 1, true) then return line('again', '') end
local holder, others_turn = nil, false
if held[3] then
  local name, ends = string.match(held[3], '^(%S+) (%d+)$')
  holder, others_turn = name, name ~= ARGV[1] and tonumber(ends) > now
end
for i = 4, #held do
  local version = held[i] and (string.match(held[i], '^(%d+):') or '?') or ''
  if version ~= ARGV[3 * (i - 3) + 1] then
    if others_turn then return line('wait', '') end
    redis.call('HSET', KEYS[1], 'turn', ARGV[1] .. string.format(' %.0f', now + ARGV[2]))
    local reply = {line('other', '')}
    for j = 4, #held do reply[#reply + 1] = held[j] or '' end
    return reply
  end
end
if holder == ARGV[1] then redis.call('HDEL', KEYS[1], 'turn') end
if not any then return line('done', '') end
if others_turn then return line('wait', '') end
local stamp = string.format('%.0f', math.max(seq + 1, now))
local set = {'seq', stamp, 'recent', ARGV[1] .. string.sub(recent, 1, 600)}
for i = 3, #ARGV, 3 do
  if ARGV[i + 2] ~= '' then
    set[#set + 1] = ARGV[i]
    set[#set + 1] = stamp .. ':' .. ARGV[i + 2]
  end
end
redis.call('HSET', KEYS[1], unpack(set))
return line('done', stamp)
"""

READ = """
-- KEYS[1]: the hash. ARGV[1]: the `seq` that the client has seen. The whole hash, unless nothing was written since.
local time = redis.call('TIME')
local seq = redis.call('HGET', KEYS[1], 'seq') or '0'
local line = 'read ' .. time[1] .. ' ' .. time[2] .. ' ' .. seq .. ' '
if seq == ARGV[1] then return line end
return {line, redis.call('HGETALL', KEYS[1])}
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


def swap_arguments(
    name: str, turn_s: float, keys: Sequence[str], seen: Mapping[str, Held], texts: Mapping[str, str]
) -> list[str]:
    """ARGV of `SWAP` for a write of that name: the cells of all `keys` are compared, `texts` written."""
    arguments = [name, str(int(turn_s * 1e6))]
    for key in keys:
        version = seen[key].version if key in seen else ABSENT
        arguments += [PREFIX + key, version, texts.get(key, "")]
    return arguments


def cells_of(hash_reply: Sequence[Any], where: str) -> dict[str, Held]:
    """The cells in a reply to HGETALL, by key."""
    pairs = zip(hash_reply[::2], hash_reply[1::2], strict=True)
    return {field.removeprefix(PREFIX): held(text, where) for field, text in pairs if field.startswith(PREFIX)}
