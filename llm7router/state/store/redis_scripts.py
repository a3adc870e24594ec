"""The two Lua scripts of the Redis store, and what their replies mean.

The router's state is one hash. A field `cell:KEY` holds `VERSION:JSON`; `seq` is the highest version, `born` the first,
`recent` names the last writes, and `turn` the write that the others let go first. A version is the server's time in
microseconds or one more than the last, so it never comes back: not after FLUSHALL, not after a failover to a replica
that knows less.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from llm7router.state.cells import Cell
from llm7router.state.store.codec import PREFIX, load

ABSENT, UNREADABLE = "", "?"  # versions of a field that is not there, and of one that this program did not write

SWAP = """
-- KEYS[1]: the hash. ARGV: the name of this write, for how many microseconds it may be given the turn, then the fields
-- of the cells, the version that each must have, and the new text of each ('' to compare only).
-- All versions match: everything is written. Otherwise nothing is, and this write has the turn unless another has it:
-- until then nobody else writes, so however many there are, each comes through on its second try with the turn.
-- The reply is one line, OUTCOME SECONDS MICROSECONDS SEQ VERSION, which is parsed faster than a list; with the
-- outcome `other`, `born` and the fields follow.
local call, count, name = redis.call, (#ARGV - 2) / 3, ARGV[1]
local time = call('TIME')
local held = call('HMGET', KEYS[1], 'seq', 'recent', 'turn', unpack(ARGV, 3, count + 2))
local seq, recent = held[1] or '0', held[2] or ''
local function line(outcome, version)
  return outcome .. ' ' .. time[1] .. ' ' .. time[2] .. ' ' .. seq .. ' ' .. version
end
-- A reply may be lost with its connection and the client ask again: what is done is not done twice.
if string.find(recent, name, 1, true) then return line('again', '') end
local holder, others_turn = nil, false
if held[3] then
  local ends
  holder, ends = string.match(held[3], '^(%S+) (%d+)$')
  others_turn = holder ~= name and tonumber(ends) > time[1] * 1000000 + time[2]
end
local writes = {}
for i = 3, count + 2 do
  local text = held[i + 1]
  local version = text and (string.match(text, '^(%d+):') or '?') or ''
  if version ~= ARGV[i + count] then
    if others_turn then return line('wait', '') end
    call('HSET', KEYS[1], 'turn', name .. string.format(' %.0f', time[1] * 1000000 + time[2] + ARGV[2]))
    local reply = {line('other', ''), call('HGET', KEYS[1], 'born') or ''}
    for j = 4, #held do reply[#reply + 1] = held[j] or '' end
    return reply
  end
  if ARGV[i + 2 * count] ~= '' then writes[#writes + 1] = i end
end
if holder == name then call('HDEL', KEYS[1], 'turn') end
if #writes == 0 then return line('done', '') end
if others_turn then return line('wait', '') end
-- Put together of strings: to format a number takes as long as to read or write the hash.
local stamp = time[1] .. string.sub('00000' .. time[2], -6)
if tonumber(seq) >= tonumber(stamp) then stamp = string.format('%.0f', seq + 1) end
local set = {'seq', stamp, 'recent', name .. string.sub(recent, 1, 600)}
if not held[1] then
  set[#set + 1] = 'born'
  set[#set + 1] = stamp
end
for _, i in ipairs(writes) do
  set[#set + 1] = ARGV[i]
  set[#set + 1] = stamp .. ':' .. ARGV[i + 2 * count]
end
call('HSET', KEYS[1], unpack(set))
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
    """A cell as this process last saw it. None: the field cannot be read and counts as unused, but for a budget's
    (`LostBudgets`)."""

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
    return [
        name, str(int(turn_s * 1e6)),
        *[PREFIX + key for key in keys],
        *[seen[key].version if key in seen else ABSENT for key in keys],
        *[texts.get(key, "") for key in keys],
    ]  # fmt: skip


def cells_of(hash_reply: Sequence[Any], where: str) -> tuple[dict[str, Held], str]:
    """The cells in a reply to HGETALL, by key, and `born`; empty if an earlier program made the hash."""
    fields = dict(zip(hash_reply[::2], hash_reply[1::2], strict=True))
    cells = {name.removeprefix(PREFIX): held(text, where) for name, text in fields.items() if name.startswith(PREFIX)}
    return cells, fields.get("born", "")
