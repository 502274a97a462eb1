import { SLOT } from "../slots.ts";
import { call, single } from "./call.ts";
import { begin, calendars, change, inspect, lower } from "./changes.ts";
import { writeClaims, writeReturned } from "./claims.ts";
import { closePartitions, lastsUntil } from "./closing.ts";
import { correct, time } from "./correct.ts";
import { decisions } from "./decisions.ts";
import { heritage } from "./heritage.ts";
import { openPartitions } from "./opening.ts";
import { commons, slots } from "./partitions.ts";
import { redefine } from "./redefine.ts";
import { endSessions } from "./sessions.ts";

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
 * that the server has, as JSON and as text; `need`: the definitions have to come with the batch, in a whole call; or `ask` and, for limits with a calendar, the moments whose windows have to be told with the batch.
 */
export const transact = /* lua */ `
-- As in \`assembly/claims.ts\`, but longer, since processes are further away than threads. Microseconds.
local GRACE, PATIENCE = 50000, 250000
-- So many arguments in one command, an even number: \`unpack\` takes no lists of any length.
local PIECE = 400
${call}
${slots}
-- The units of each operation; and the fields that they need, which are read at once.
local requests, isTouched, NOTHING = {}, {}, {}
local fields = { bulkName, sessionName, "d", "c", "w", "q", "p" }
local FIRST_TOUCHED = #fields + 1
local isTimed = not isWhole -- Whether an operation needs the time. Giving back does not.
local readsAll = false
local function touch(index)
  if isTouched[index] then return end
  isTouched[index] = true
  if index < ${SLOT} then fields[#fields + 1] = index
  else
    local touched = slots[floor(index / ${SLOT})].touched
    touched[#touched + 1] = index % ${SLOT}
  end
end
for i, argument in ipairs(operations) do
  local code = sub(argument, 1, 1)
  if code == "I" then
    isTimed, readsAll = true, true
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
      if isWhole then touch(index) end
      isTimed = isTimed or not isSettlement or count > 0
    end
    if slots and (code == "H" or code == "G" or code == "Z") then
      for _, slot in ipairs(slots) do slot.isFull = true end
    end
  end
end
local function readFields(first)
  local wanted = #fields
  for start = first, wanted, PIECE do
    local last = math.min(start + PIECE - 1, wanted)
    local found = redis.call("HMGET", key, unpack(fields, start, last))
    for at = start, last do stored[fields[at]] = found[at - start + 1] end
  end
end
if slots then fields[#fields + 1], fields[#fields + 2] = "g", "m" end
readFields(1)
local known, session = stored.d, stored[sessionName]
local knownName = stored[bulkName] and bulkName or known and match(known, '"%d+ (n[^"]*)"')
local isOther = known and knownName ~= bulkName
local bulk = stored[bulkName] or isOther and redis.call("HGET", key, knownName or "n")
-- What the bulk says first, and the times. They are written again if something of them has changed.
local freeUntil, due, expiresAt, latest, isBulkChanged = 0, NEVER, 0, 0, false
if bulk then
  freeUntil, latest = unpackFrom("<dd", bulk)
  if freeUntil < 0 then freeUntil, ahead = -freeUntil, unpackFrom("<d", bulk, #bulk - 7) end
end
if stored.c then due, expiresAt, longestLease, longest, narrow = unpackFrom("<ddddd", stored.c) end
${time}
local resetAt, pauses, isPauseChanged = 0, {}, false
if stored.p then
  resetAt, pauses = tonumber(match(stored.p, "^%d+")), parsePairs(stored.p)
end
stamp = now + 1 == resetAt and now + 0.5 or now

-- What the session holds of limits of all, and in how many partitions it holds something.
local last, held, parted = 0, {}, 0
if session then
  local grantedAt, number = unpackFrom("<dd", session)
  last = number
  local holding, answer = match(session, "^(%S*) ?(.*)$", SESSION + 1)
  if last >= seq then return last == seq and (#session > PLAIN_SESSION and answer or grantedAt) or "stale" end
  if not isWhole then lease = #session > PLAIN_SESSION and unpackFrom("<d", session, PLAIN_SESSION + 1) or longestLease end
  held, parted = parsePairs(holding), tonumber(match(holding, "@(%d+)") or 0)
end
-- A redefinition is of the definitions that it brings, even where others have led to the same already.
if known and (from == "" and isOther or from ~= "" and from ~= known) then
  return "other\\n" .. (redis.call("HGET", key, "K") or "") .. "\\n" .. known
end
-- The definitions travel only where the server does not have them.
if not known and json == "" then return "need" end
if known and not isOther then definitionText = known end
-- A set whose key has expired is as if never used.
local turns = isOther or (not known and redefinition ~= "")
if acked > 0 and last < acked then return "lost" end
specs = specsOf(definitionText)
packed, placeOf = packedIn(specs)
${single}
if readsAll then
  FIRST_TOUCHED = #fields + 1
  for index = 1, #specs do touch(index) end
  readFields(FIRST_TOUCHED)
end
local constants
if bulk and not isOther then
  local records, found = recordsIn(bulk)
  for place, record in ipairs(records) do stored[packed[place]] = record end
  constants = found
else
  constants, longest, narrow = constantsOf(specs)
end

-- The changes of this call: \`isWritten\` means that the session has to be stored, \`isTaken\` that the time of the set has moved.
local isWritten, isTaken, hasLeft, cameBack, isPaused, waits = false, false, false, false, false, false
-- The limits of which something came back, or that were paused. nil if it may be any.
local returned = {}
local function comesBack(index)
  cameBack = true
  if returned then returned[index] = returned[index] or "" end
end
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
${decisions}
-- Since when a request waits.
local function sinceOf(argument)
  return now - (tonumber(match(argument, "^.(%d+) ")) or 0)
end

if not known and not turns and beginsBelow then
${begin}
end

local answers = {}
for i, argument in ipairs(operations) do
  local code, answer = sub(argument, 1, 1), "."
  if code == "T" or code == "O" or code == "N" or code == "M" then
    answer = take(requests[i], sinceOf(argument))
  elseif code == "S" then
    answer = settle(requests[i].counts, tonumber(match(argument, "^S([%d.]+)")))
  elseif code == "P" then
    local since = sinceOf(argument)
    local _, refusing = refusal(requests[i], since)
    -- That of a waiter which has waited is the last.
    if claimed[1] and now - since > GRACE then unclaim(requests[i].counts, since) end
    answer = "-" .. (refusing and concat(refusing, ",") or "")
  elseif code == "I" then
${inspect}
  elseif code == "R" then
    isWritten = true
  elseif code == "L" then
    hasLeft = true
    if parted > 0 then doomed, cameBack, returned = { key .. ":s" .. sid }, true, nil end
    for index, count in pairs(held) do
      local definition, state = limitOf(index)
      definition.algorithm.giveBack(state, count, held, index)
      isChanged[index] = true
      comesBack(index)
    end
  elseif code ~= "." then
${change}
  end
  answers[i] = answer
end

-- When all states that have changed will be as if never used; of all states, if the key should expire sooner than was thought.
local spentAt = ends
${closePartitions}
if per then spentAt = math.max(spentAt, per.lasts) end
if shrinks then for index = 1, #specs do isSpent[index] = true end end
for index in pairs(isChanged) do
  local definition, state = limitOf(index)
  local text = definition.algorithm.write(state, narrow == 1 and placeOf[index] and definition.weight)
  if placeOf[index] then stored[index], isBulkChanged = text, true else change(index, text) end
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
if isWritten and not hasLeft and ends < due then due, isBulkChanged = ends, true end
isBulkChanged = isBulkChanged or isTaken
local reply = (isWritten and "ok 1 " or "ok 0 ") .. (due ~= NEVER and format("%d", due - reading) or "~")
  .. " " .. concat(answers, " ")
if hasLeft then
  if session then removals[#removals + 1] = sessionName end
elseif isWritten then
  change(sessionName, pack("<ddd", ends, seq, lease)
    .. (next(held) and writePairs(held) or "-") .. (parted > 0 and format("@%d ", parted) or " ") .. reply)
end
${writeClaims}
-- A claim asks for its renewal: its owner does not know of what came back.
if asks then returned = nil end
local tells, publishes = cameBack or asks or isPaused, isOther
if waits or tells then
  local wakeUntil, listener = match(stored.w or "0 ", "^(%d+) (.*)$")
  wakeUntil = tonumber(wakeUntil)
  if tells and wakeUntil > now and listener ~= sid then publishes = true end
  if waits and (wakeUntil < now + lease / 2 or (listener ~= sid and listener ~= "*")) then
    change("w", format("%d ", ends) .. ((wakeUntil > now and listener ~= sid) and "*" or sid))
  end
end
isBulkChanged = isBulkChanged or isClaimed or (bulk and freeUntil <= 1 and guarded <= now) or false
if lease > longestLease then longestLease, isBulkChanged = lease, isBulkChanged or isWritten end
local ttl
if count > 0 or isBulkChanged then
  if not known then
    change("d", definitionText)
    change("K", json)
  end
  -- For as long as the front half may need it.
  if isTaken and packed[1] then spentAt = math.max(spentAt, math.min(now + math.max(longest, longestLease), MOST)) end
  if not known or spentAt > expiresAt or shrinks then
    -- A quarter longer than needed, so that not every call has to extend it.
    expiresAt = math.min(spentAt + math.ceil((spentAt - now) / 4), MOST)
    isBulkChanged = true
    ttl = math.ceil((expiresAt - now) / 1000)
    -- An injected clock may stand still for any time of the server's. Keys of tests should still expire some day.
    if isInjected then ttl = math.max(ttl, 3600000) end
  end
  if isBulkChanged or not bulk then
    freeUntil = guarded > now and 0 or math.max(0, math.min(due, expiresAt - math.max(longest, longestLease)))
    local parts = { pack("<dd", ahead == 0 and freeUntil or -math.max(freeUntil, 1), latest) }
    for place, index in ipairs(packed) do parts[2 * place], parts[2 * place + 1] = constants[place], stored[index] or (narrow == 1 and NO_NARROW_DEBT or NO_DEBT) end
    if ahead ~= 0 then parts[#parts + 1] = pack("<d", ahead) end
    change(bulkName, concat(parts))
    local times = pack("<ddddd", due, expiresAt, longestLease, longest, narrow)
    if times ~= stored.c then change("c", times) end
  end
end

-- All checks are behind. A server that accepts no writes now, or has no memory, refuses the first HSET, and then nothing has changed.
if count <= PIECE then
  if count > 0 then redis.call("HSET", key, unpack(changes)) end
else
  for first = 1, count, PIECE do redis.call("HSET", key, unpack(changes, first, math.min(first + PIECE - 1, count))) end
end
for first = 1, #removals, PIECE do
  redis.call("HDEL", key, unpack(removals, first, math.min(first + PIECE - 1, #removals)))
end
if ttl then redis.call("PEXPIRE", key, format("%d", ttl)) end
if per then
  for _, order in ipairs(per.orders) do order() end
end
if doomed then
  for _, gone in ipairs(doomed) do redis.call("UNLINK", gone) end
end
if publishes then
${writeReturned}
  local told = redis.pcall("PUBLISH", key, message)
  if type(told) == "table" and told.err then return "mute" .. sub(reply, 3) end
end
return reply
`;
