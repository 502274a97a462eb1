import { AWAITS_RELEASE, AWAITS_TIME, FREE } from "../line.ts";
import { claims } from "./claims.ts";
import { correct, time } from "./correct.ts";
import { redefine } from "./redefine.ts";
import { endSessions } from "./sessions.ts";

/**
 * The counterpart of `assembly/commit.ts`, for a batch: does the operations that a process has collected since its last call, in
 * order, at one time. Each operation is a string, in which limits have indexes from 1:
 *
 * | operation | does | answer |
 * |---|---|---|
 * | `T1:5,3:2`, `T<age> 1:5` | takes, or will wait; `age`: it has waited for so many microseconds | `+` and the time of the grant; or `-`, the wait (`~`: until a release), `!` if it depends on a release, `/`, the limits that refuse; or `=` and the stop (1, 2) of a waiter of this batch that stands before it |
 * | `N...` | the same, nested: does not stand behind a waiter that awaits a release | |
 * | `O...`, `M...` | takes now or not at all; the same, nested | `+`, or as for `P` with `=` in front if it stands behind a waiter |
 * | `P...` | tells whether it would be granted; takes nothing | `-`, the wait, `/`, the limits that refuse |
 * | `S<token> 1:-5,2:3` | settles units of the grants of that time: gives back, or charges | `.` |
 * | `I` | reads all limits | `#`, and for each `used:wait` |
 * | `R` | renews the lease | `.` |
 * | `L` | ends the session | `.` |
 * | `.` | nothing: the answer is not wanted any more | `.` |
 *
 * The answer to the batch begins with `ok` (`mute` if the server did not let it publish a release), whether the session was stored (1 or 0), and how long until some lease may end. Or
 * nothing was done, and it is `lost`: the session has ended; `stale`: a later batch has been done; or `other` and the definitions
 * that the server has.
 */
export const transact = /* lua */ `
local FREE, AWAITS_RELEASE, AWAITS_TIME = ${FREE}, ${AWAITS_RELEASE}, ${AWAITS_TIME}
-- As in \`assembly/claims.ts\`, but longer, since processes are further away than threads. Microseconds.
local GRACE, PATIENCE = 50000, 250000
local seq, acked, lease, redefines = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7] ~= ""
local FIRST_OPERATION = 8
-- So many arguments in one command, an even number: \`unpack\` takes no lists of any length.
local PIECE = 400

-- The units of each operation; and all fields that they need, which are read at once.
local requests, isTouched = {}, {}
local fields = { "d", "t", "e", "w", "x", "s" .. sid, "q", "c" }
local isTimed = false -- Whether an operation needs the time. Giving back does not.
local function touch(index)
  if isTouched[index] then return end
  isTouched[index] = true
  fields[#fields + 1] = index
end
for i = FIRST_OPERATION, #ARGV do
  local argument = ARGV[i]
  if argument == "I" then
    isTimed = true
    for index = 1, #specs do touch(index) end
  elseif argument ~= "." and argument ~= "R" and argument ~= "L" then
    local space = find(argument, " ", 3, true)
    local counts = parsePairs(space and sub(argument, space) or argument)
    requests[i] = counts
    local isRequest = sub(argument, 1, 1) ~= "S"
    for index, count in pairs(counts) do
      touch(index)
      isTimed = isTimed or isRequest or count > 0
    end
  end
end
local wanted = #fields
local found = redis.call("HMGET", key, unpack(fields, 1, wanted < PIECE and wanted or PIECE))
for at = 9, #found do stored[fields[at]] = found[at] end
for first = PIECE + 1, wanted, PIECE do
  local last = math.min(first + PIECE - 1, wanted)
  local more = redis.call("HMGET", key, unpack(fields, first, last))
  for at = first, last do stored[fields[at]] = more[at - first + 1] end
end
local latest, due, session = tonumber(found[2] or 0), found[3] and tonumber(found[3]), found[6]
${time}

local isOther = found[1] and found[1] ~= definitionText
if isOther and not redefines then return "other\\n" .. found[1] end

local last, held = 0, {}
if session then
  local _, lastText, holding, answer = match(session, SESSION)
  last = tonumber(lastText)
  if last >= seq then return last == seq and answer or "stale" end
  if holding ~= "-" then held = parsePairs(holding) end
end
if acked > 0 and last < acked then return "lost" end

-- The changes of this call: \`isWritten\` means that the session has to be stored, \`isTaken\` that the time of the set has moved.
local isWritten, isTaken, hasLeft, cameBack, waits = false, false, false, false, false
if isOther then
${redefine}
end
if due and due <= now then
${endSessions}
end
${correct}

local function waitText(ready)
  if ready == 0 then return "0" end
  return ready == NEVER and "~" or format("%d", math.min(ready - reading, MOST))
end

-- When all limits would grant a request, 0 if now; and which refuse.
local function refusal(counts)
  local ready, refusing = 0
  for index, count in pairs(counts) do
    local definition, state = limitOf(index)
    local at = NEVER
    if count <= definition.ceiling then at = definition.algorithm.readyAt(definition, state, now, count) end
    if at ~= 0 then
      refusing = refusing or {}
      refusing[#refusing + 1] = index
      if at > ready then ready = at end
    end
  end
  return ready, refusing
end

${claims}
-- For each limit, by its index, why no later request passes it; nil while there are no stops.
local stops

local function stopAt(counts, stop)
  waits = true
  stops = stops or {}
  for index in pairs(counts) do stops[index] = math.max(stops[index] or 0, stop) end
end

local function take(code, counts, since)
  local isOnce = code == "O" or code == "M"
  local isNested = code == "N" or code == "M"
  local stop = FREE
  if stops then
    for index in pairs(counts) do stop = math.max(stop, stops[index] or FREE) end
    if stop == AWAITS_RELEASE and isNested then stop = FREE end
    if stop > FREE and not isOnce then
      stopAt(counts, stop)
      return "=" .. stop
    end
  end
  local ready, refusing, isHeld, isHung = refusalBehind(counts, isNested, since)
  -- Whether it waits for a release, its own or that of the claim: then nested requests still pass, since they may lead to it.
  local hangs = isHung or ready == NEVER
  if isHeld then
    if isHung then claim.untilAt, isClaimed, asks = ready, true, true end
  elseif ready > 0 and not isOnce and stop == FREE and now - since > GRACE then
    local isOwn = claim and claim.owner == sid and math.abs(claim.since - since) < GRACE
    if not claim or claim.untilAt <= now or since < claim.since or isOwn then
      local untilAt = hangs and ends or ready + PATIENCE
      -- Stored again only if it has changed, or ends soon.
      if not isOwn or claim.hangs ~= hangs or claim.untilAt < (hangs and now + lease / 2 or untilAt) then
        claim, isClaimed = { since = since, untilAt = untilAt, owner = sid, hangs = hangs, wants = counts }, true
      end
    end
  end
  if ready > 0 or stop > FREE then
    if not isOnce then stopAt(counts, hangs and AWAITS_RELEASE or AWAITS_TIME) end
    return (stop > FREE and "=-" or "-") .. waitText(ready) .. (hangs and "!/" or "/") .. (refusing and concat(refusing, ",") or "")
  end
  for index, count in pairs(counts) do
    local definition, state = limitOf(index)
    definition.algorithm.take(definition, state, now, count, held, index)
    isChanged[index] = true
  end
  if claim and claim.owner == sid and math.abs(claim.since - since) < GRACE then claim, isClaimed = nil, true end
  latest, isTaken, isWritten = now, true, true
  return format("+%d", now)
end

local function settle(counts, token)
  local at = latest
  for _, count in pairs(counts) do
    -- Only charges need the time: a debt that leaks later leaks from the rest.
    if count > 0 then at = now end
  end
  for index, count in pairs(counts) do
    local definition, state = limitOf(index)
    local algorithm = definition.algorithm
    if count > 0 then
      algorithm.charge(definition, state, at, count)
      isChanged[index] = true
    elseif definition.kind == RESOURCE then
      if algorithm.giveBack(state, -count, held, index) > 0 then isChanged[index], cameBack = true, true end
    elseif algorithm.giveBack then
      algorithm.giveBack(definition, state, at, -count, token)
      isChanged[index], cameBack = true, true
    end
    -- A window or a leaky bucket gives nothing back.
  end
  latest, isTaken, isWritten = at, true, true
  return "."
end

-- Since when a request waits.
local function sinceOf(argument)
  return now - (tonumber(match(argument, "^.(%d+) ")) or 0)
end

local answers = {}
for i = FIRST_OPERATION, #ARGV do
  local argument = ARGV[i]
  local code, answer = sub(argument, 1, 1), "."
  if code == "T" or code == "O" or code == "N" or code == "M" then
    answer = take(code, requests[i], sinceOf(argument))
  elseif code == "S" then
    answer = settle(requests[i], tonumber(match(argument, "^S(%d+)")))
  elseif code == "P" then
    local ready, refusing = refusalBehind(requests[i], false, sinceOf(argument))
    answer = "-" .. waitText(ready) .. "/" .. (refusing and concat(refusing, ",") or "")
  elseif code == "I" then
    local list = {}
    for index = 1, #specs do
      local definition, state = limitOf(index)
      local algorithm = definition.algorithm
      list[index] = format("%d", algorithm.used(definition, state, now)) .. ":"
        .. waitText(algorithm.readyAt(definition, state, now, 1))
    end
    answer = "#" .. concat(list, ",")
  elseif code == "R" then
    isWritten = true
  elseif code == "L" then
    hasLeft = true
    for index, count in pairs(held) do
      local definition, state = limitOf(index)
      definition.algorithm.giveBack(state, count, held, index)
      isChanged[index], cameBack = true, true
    end
  end
  answers[i - FIRST_OPERATION + 1] = answer
end

-- When all states that have changed will be as if never used.
local spentAt = ends
for index in pairs(isChanged) do
  local definition, state = limitOf(index)
  local algorithm = definition.algorithm
  change(index, algorithm.write(state))
  spentAt = math.max(spentAt, now + definition.window)
  -- A debt above the ceiling takes longer than its window.
  if state.units and state.units > definition.ceiling then
    spentAt = math.max(spentAt, algorithm.overdue(definition, state, now))
  end
end
if isTaken then change("t", format("%d", latest)) end
if isWritten and not hasLeft and (not due or ends < due) then due = ends end
if due and due ~= NEVER and due ~= tonumber(found[3] or nil) then change("e", format("%d", due)) end
local reply = (isWritten and "ok 1 " or "ok 0 ") .. (due and due ~= NEVER and format("%d", due - reading) or "~")
  .. " " .. concat(answers, " ")
if hasLeft then
  if session then removals[#removals + 1] = "s" .. sid end
elseif isWritten then
  change("s" .. sid, format("%d %d ", ends, seq) .. writePairs(held) .. " " .. reply)
end
if cameBack and claim and claim.hangs and claim.untilAt > now + PATIENCE then
  -- The claim's owner hears of the release now; if it does not ask soon, it has ended.
  claim.untilAt, isClaimed = now + PATIENCE, true
end
if isClaimed then
  change("q", claim and
    format("%d %d %s %s ", claim.since, claim.untilAt, claim.owner, claim.hangs and "1" or "0") .. writePairs(claim.wants) or "")
end
cameBack = cameBack or asks
local publishes = isOther
if waits or cameBack then
  local wakeUntil, listener = match(found[4] or "0 ", "^(%d+) (.*)$")
  wakeUntil = tonumber(wakeUntil)
  if cameBack and wakeUntil > now and listener ~= sid then publishes = true end
  if waits and (wakeUntil < now + lease / 2 or (listener ~= sid and listener ~= "*")) then
    change("w", format("%d ", ends) .. ((wakeUntil > now and listener ~= sid) and "*" or sid))
  end
end
local ttl
if count > 0 then
  local expiresAt = tonumber(found[5] or 0)
  if not found[1] then change("d", definitionText) end
  if not found[1] or spentAt > expiresAt then
    -- A quarter longer than needed, so that not every call has to extend it.
    expiresAt = math.min(spentAt + math.ceil((spentAt - now) / 4), MOST)
    change("x", format("%d", expiresAt))
    ttl = math.ceil((expiresAt - now) / 1000)
    -- An injected clock may stand still for any time of the server's. Keys of tests should still expire some day.
    if isInjected then ttl = math.max(ttl, 3600000) end
  end
end

-- All checks are behind. A server that accepts no writes now refuses the first of these, and then nothing has changed.
for first = 1, #removals, PIECE do
  redis.call("HDEL", key, unpack(removals, first, math.min(first + PIECE - 1, #removals)))
end
if count <= PIECE then
  if count > 0 then redis.call("HSET", key, unpack(changes)) end
else
  for first = 1, count, PIECE do redis.call("HSET", key, unpack(changes, first, math.min(first + PIECE - 1, count))) end
end
if ttl then redis.call("PEXPIRE", key, format("%d", ttl)) end
if publishes then
  local told = redis.pcall("PUBLISH", key, sid)
  if type(told) == "table" and told.err then return "mute" .. sub(reply, 3) end
end
return reply
`;
