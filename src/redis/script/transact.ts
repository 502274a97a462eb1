import { SLOT } from "../slots.ts";
import { begin, calendars, change, inspect, lower } from "./changes.ts";
import { claims } from "./claims.ts";
import { closePartitions, lastsUntil } from "./closing.ts";
import { correct, time } from "./correct.ts";
import { heritage } from "./heritage.ts";
import { openPartitions } from "./opening.ts";
import { commons, slots } from "./partitions.ts";
import { redefine } from "./redefine.ts";
import { endSessions } from "./sessions.ts";
import { take, takeOrWait } from "./take.ts";

/**
 * The counterpart of `assembly/commit.ts`, for a batch: does the operations that a process has collected since its last call, in
 * order, at one time. Each operation is a string, in which limits have indexes from 1:
 *
 * | operation | does | answer |
 * |---|---|---|
 * | `T1:5,3:2`, `T<age> 1:5` | takes, or will wait; `age`: it has waited for so many microseconds | `+` and the time of the grant, and behind `/` the shadows that let it pass; or `-` and the limits that refuse, each as `index:wait` (`~`: until a release), with `k` where the limit would grant it but for those before it, and with the facts of a window |
 * | `T...;1:8` | the same, behind waiters of the process that want so much and stand before it | |
 * | `N...`, `N...;1:8;1:2;3:4;3:1` | the same, nested; what nested waiters want that stand before it; of all resources that are waited for, the demand of all waiters and that of nested ones | |
 * | `O...`, `M...` | takes now or not at all; the same, nested | the same |
 * | `P...` | tells whether it would be granted; takes nothing | `-` and the limits that refuse |
 * | `S<token> 1:-5,2:3` | settles units of the grants of that time: gives back, or charges | `.` and what went back of rates |
 * | `I`, `I;1:8` | reads all limits, behind waiters | `#`, and for each `used:wait:full` |
 * | `H<micros> 1:0`, `H~ 1:0` | pauses limits: for good with `~` | `.` |
 * | `G1:0` | ends the pauses of limits | `.` |
 * | `B1:5` | leaves at most so many units | `.` |
 * | `Z1:0` | makes limits as if never used, but for so many units | `.` |
 * | `R` | renews the lease | `.` |
 * | `L` | ends the session | `.` |
 * | `.` | nothing: the answer is not wanted any more | `.` |
 *
 * The answer to the batch begins with `ok` (`mute` if the server did not let it publish a release), whether the session was stored (1 or 0), and how long until some lease may end. Or
 * nothing was done, and it is `lost`: the session has ended; `stale`: a later batch has been done; `other` and the definitions
 * that the server has, as JSON and as text; `need`: the definitions have to come with the batch; or `ask` and, for limits with a calendar, the moments whose windows have to be told with the batch.
 */
export const transact = /* lua */ `
-- As in \`assembly/claims.ts\`, but longer, since processes are further away than threads. Microseconds.
local GRACE, PATIENCE = 50000, 250000
local seq, acked, lease = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local FIRST_OPERATION = 12
-- So many arguments in one command, an even number: \`unpack\` takes no lists of any length.
local PIECE = 400
${slots}
-- The units of each operation; and all fields that they need, which are read at once.
local requests, isTouched, NOTHING = {}, {}, {}
local fields = { "d", "t", "e", "w", "x", "s" .. sid, "q", "c", "p" }
local isTimed = false -- Whether an operation needs the time. Giving back does not.
local function touch(index)
  if isTouched[index] then return end
  isTouched[index] = true
  if index < ${SLOT} then fields[#fields + 1] = index
  else
    local touched = slots[floor(index / ${SLOT})].touched
    touched[#touched + 1] = index % ${SLOT}
  end
end
for i = FIRST_OPERATION, #ARGV do
  local argument = ARGV[i]
  local code = sub(argument, 1, 1)
  if code == "I" then
    isTimed = true
    for index = 1, #specs do touch(index) end
    local views, demand = match(argument, "^([^;]*)(.*)$")
    requests[i] = { views = parsePairs(views), demand = parsePairs(demand) }
    for index in pairs(requests[i].views) do touch(index) end
  elseif code ~= "." and code ~= "R" and code ~= "L" then
    local isSettlement = code == "S"
    local first = find(argument, ";", 2, true)
    local counts = parsePairs(first and sub(argument, 1, first - 1) or argument)
    local request = { counts = counts, demand = NOTHING, isOnce = code == "O" or code == "M", isNested = code == "N" or code == "M" }
    if first then
      local demand, nested, totals, nestedTotals = match(argument, "^([^;]*);?([^;]*);?([^;]*);?([^;]*)", first + 1)
      request.demand = parsePairs(demand)
      if totals ~= "" then
        request.nestedDemand, request.totals, request.nestedTotals = parsePairs(nested), parsePairs(totals), parsePairs(nestedTotals)
        for index in pairs(request.totals) do touch(index) end
        for index in pairs(request.nestedTotals) do touch(index) end
      end
    end
    requests[i] = request
    for index, count in pairs(counts) do
      touch(index)
      isTimed = isTimed or not isSettlement or count > 0
    end
    if slots and (code == "H" or code == "G" or code == "Z") then
      for _, slot in ipairs(slots) do slot.isFull = true end
    end
  end
end
if slots then fields[#fields + 1], fields[#fields + 2] = "g", "m" end
local wanted = #fields
local found = redis.call("HMGET", key, unpack(fields, 1, wanted < PIECE and wanted or PIECE))
for at = 10, #found do stored[fields[at]] = found[at] end
for first = PIECE + 1, wanted, PIECE do
  local last = math.min(first + PIECE - 1, wanted)
  local more = redis.call("HMGET", key, unpack(fields, first, last))
  for at = first, last do stored[fields[at]] = more[at - first + 1] end
end
local latest, due, session = tonumber(found[2] or 0), found[3] and tonumber(found[3]), found[6]
${time}
local resetAt, pauses, isPauseChanged = 0, {}, false
if found[9] then
  resetAt, pauses = tonumber(match(found[9], "^%d+")), parsePairs(found[9])
end
stamp = now + 1 == resetAt and now + 0.5 or now

-- What the session holds of limits of all, and in how many partitions it holds something.
local last, held, parted = 0, {}, 0
if session then
  local _, lastText, holding, answer = match(session, SESSION)
  last = tonumber(lastText)
  if last >= seq then return last == seq and answer or "stale" end
  if holding ~= "-" then
    held, parted = parsePairs(holding), tonumber(match(holding, "@(%d+)") or 0)
  end
end
local isOther = found[1] and found[1] ~= definitionText
-- A redefinition is of the definitions that it names, even where others have led to the same already.
if found[1] and found[1] ~= (ARGV[10] ~= "" and ARGV[10] or definitionText) then
  return "other\\n" .. (redis.call("HGET", key, "E") or "") .. "\\n" .. found[1]
end
-- The definitions as JSON travel only where the server does not have them.
if not found[1] and ARGV[11] == "" then return "need" end
-- A set whose key has expired is as if never used.
local turns = isOther or (not found[1] and ARGV[7] ~= "")
if acked > 0 and last < acked then return "lost" end

-- The changes of this call: \`isWritten\` means that the session has to be stored, \`isTaken\` that the time of the set has moved.
local isWritten, isTaken, hasLeft, cameBack, waits = false, false, false, false, false
local isSpent, shrinks, doomed = {}, false, nil
${lower}
${commons}
${heritage}
if turns then
${redefine}
end
if due and due <= now then
${endSessions}
end
${correct}
${openPartitions}
${calendars}
${take}
${claims}
${takeOrWait}
-- Since when a request waits.
local function sinceOf(argument)
  return now - (tonumber(match(argument, "^.(%d+) ")) or 0)
end

if not found[1] and not turns and beginsBelow then
${begin}
end

local answers = {}
for i = FIRST_OPERATION, #ARGV do
  local argument = ARGV[i]
  local code, answer = sub(argument, 1, 1), "."
  if code == "T" or code == "O" or code == "N" or code == "M" then
    answer = take(requests[i], sinceOf(argument))
  elseif code == "S" then
    answer = settle(requests[i].counts, tonumber(match(argument, "^S([%d.]+)")))
  elseif code == "P" then
    local _, refusing = refusalBehind(requests[i], sinceOf(argument))
    answer = "-" .. (refusing and concat(refusing, ",") or "")
  elseif code == "I" then
${inspect}
  elseif code == "R" then
    isWritten = true
  elseif code == "L" then
    hasLeft = true
    if parted > 0 then doomed, cameBack = { key .. ":s" .. sid }, true end
    for index, count in pairs(held) do
      local definition, state = limitOf(index)
      definition.algorithm.giveBack(state, count, held, index)
      isChanged[index], cameBack = true, true
    end
  elseif code ~= "." then
${change}
  end
  answers[i - FIRST_OPERATION + 1] = answer
end

-- When all states that have changed will be as if never used; of all states, if the key should expire sooner than was thought.
local spentAt = ends
${closePartitions}
if per then spentAt = math.max(spentAt, per.lasts) end
if shrinks then for index = 1, #specs do isSpent[index] = true end end
for index in pairs(isChanged) do
  local definition, state = limitOf(index)
  change(index, definition.algorithm.write(state))
  isSpent[index] = true
end
for index in pairs(isSpent) do
  local definition, state = limitOf(index)
${lastsUntil}
  spentAt = math.max(spentAt, untilAt)
end
for _, untilAt in pairs(pauses) do spentAt = math.max(spentAt, untilAt) end
-- A set that begins with less than all must not begin again.
if beginsBelow then spentAt = MOST end
if isPauseChanged then
  local list = {}
  for index, untilAt in pairs(pauses) do
    if untilAt > now then list[#list + 1] = format("%d:%d", index, untilAt) end
  end
  change("p", format("%d ", resetAt) .. concat(list, ","))
end
if isTaken then change("t", format("%d", latest)) end
if isWritten and not hasLeft and (not due or ends < due) then due = ends end
if due and due ~= NEVER and due ~= tonumber(found[3] or nil) then change("e", format("%d", due)) end
local reply = (isWritten and "ok 1 " or "ok 0 ") .. (due and due ~= NEVER and format("%d", due - reading) or "~")
  .. " " .. concat(answers, " ")
if hasLeft then
  if session then removals[#removals + 1] = "s" .. sid end
elseif isWritten then
  change("s" .. sid, format("%d %d ", ends, seq) .. (next(held) and writePairs(held) or "-") .. (parted > 0 and format("@%d ", parted) or " ") .. reply)
end
if cameBack and claim and claim.hangs and claim.untilAt > now + PATIENCE then
  -- The claim's owner hears of the release now; if it does not ask soon, it has ended.
  claim.untilAt, isClaimed = now + PATIENCE, true
end
if isClaimed then
  change("q", claim and
    format("%d %d %s %s ", claim.since, claim.untilAt, claim.owner, claim.hangs and "1" or "0")
      .. (claim.text or per and per.wantsOf(claim.wants) or writePairs(claim.wants)) or "")
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
  if not found[1] then
    change("d", definitionText)
    change("E", ARGV[11])
  end
  if not found[1] or spentAt > expiresAt or shrinks then
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
if per then
  for _, order in ipairs(per.orders) do order() end
end
if doomed then
  for _, gone in ipairs(doomed) do redis.call("UNLINK", gone) end
end
if publishes then
  local told = redis.pcall("PUBLISH", key, sid)
  if type(told) == "table" and told.err then return "mute" .. sub(reply, 3) end
end
return reply
`;
