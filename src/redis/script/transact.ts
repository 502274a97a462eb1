/**
 * `assembly/commit.ts`, for a batch: does what a process has asked for since its last call, in order, at one time. What is
 * asked, one string each, limits by their index from 1:
 *
 * | | | answer |
 * |---|---|---|
 * | `T1:5,3:2` | takes, or will wait | `+` and when; `-`, how long it would wait (`~`: for a release), `/`, which limits refuse; `=`: stands behind one of this batch that waits for a release, 1, or for time, 2 |
 * | `N...` | the same, nested: does not stand behind who waits for a release | |
 * | `O...`, `M...` | takes now or never; nested | `+`, or as for `P` with `=` in front if it stands behind |
 * | `P...` | would it pass? takes nothing | `-`, wait, `/`, which refuse |
 * | `S<taken> 1:-5,2:3` | settles what was taken then: gives back, or charges | `.` |
 * | `I` | reads all limits | `#`, for each: used`:`wait |
 * | `R` | renews the lease | `.` |
 * | `L` | ends the session | `.` |
 * | `.` | nothing: whoever asked has gone | `.` |
 *
 * The answer to all begins with `ok`, whether the session was written, and how long until some lease may end; or is `lost`: the session
 * is not there any more; or `other` and the definitions that are.
 */
export const transact = /* lua */ `
local AWAITS_RELEASE, AWAITS_TIME = 1, 2

local operations, touched = {}, {}
local wantsAll = false
for i = 9, #ARGV do
  local argument = ARGV[i]
  local code, taken, list = match(argument, "^(.)(%d*) ?(.*)$")
  if find("TNOMP", code, 1, true) then taken, list = "", sub(argument, 2) end
  operations[#operations + 1] = { code = code, taken = tonumber(taken), counts = parsePairs(list) }
  if code == "I" then wantsAll = true end
  for index in pairs(operations[#operations].counts) do touched[index] = true end
end

local fields, indexes = { "d", "t", "e", "w", "x", "s" .. sid }, {}
for index = 1, #specs do
  if wantsAll or touched[index] then
    fields[#fields + 1] = index
    indexes[#indexes + 1] = index
  end
end
local found = redis.call("HMGET", key, unpack(fields))
local latest, due, session = tonumber(found[2] or 0), tonumber(found[3] or nil), found[6]
-- A set's time never runs backwards.
now = math.max(reading, latest)

if found[1] and found[1] ~= definitionText then
  if mode ~= "redefine" then return "other\\n" .. found[1] end
  redefine(found[1])
  found = redis.call("HMGET", key, unpack(fields))
  session = found[6]
end
local wakeUntil, wakeWhom = match(found[4] or "", "^(%d+) (.*)$")
wakeUntil = tonumber(wakeUntil or 0)
local expiresAt = tonumber(found[5] or 0)
for at, index in ipairs(indexes) do stored[index] = found[6 + at] end

local last, held = 0, {}
if session then
  local _, lastText, holding, answer = match(session, SESSION)
  last = tonumber(lastText)
  if last >= seq then return last == seq and answer or "stale" end
  held = parsePairs(holding)
end
if acked > 0 and last < acked then return "lost" end

-- What has happened: \`isWritten\` that the session has to be written, \`isTaken\` that time has moved.
local isWritten, isTaken, hasLeft, cameBack, waits = false, false, false, false, false
if due and due <= now then
  cameBack, due = endSessions(now)
end

-- When all limits would grant what is asked: 0 if now. And which refuse.
local function refusal(counts)
  local ready, refusing = 0, {}
  for index, count in pairs(counts) do
    if count > 0 then
      local definition = definitionOf(index)
      local at = NEVER
      if count <= definition.ceiling then at = definition.algorithm.readyAt(definition, stateOf(index), now, count) end
      if at ~= 0 then
        refusing[#refusing + 1] = index
        ready = math.max(ready, at)
      end
    end
  end
  return ready, refusing
end

local function waitText(ready)
  if ready == 0 then return "0" end
  return ready == NEVER and "~" or text(ready - reading)
end

local function refused(ready, refusing)
  return "-" .. waitText(ready) .. "/" .. concat(refusing, ",")
end

-- Who may not pass a limit any more, by its index.
local stops = {}

local function stopOf(counts, isNested)
  local stop = 0
  for index, count in pairs(counts) do
    if count > 0 then stop = math.max(stop, stops[index] or 0) end
  end
  return isNested and stop == AWAITS_RELEASE and 0 or stop
end

local function stopAt(counts, stop)
  for index, count in pairs(counts) do
    if count > 0 then stops[index] = math.max(stops[index] or 0, stop) end
  end
end

local function take(operation)
  local code, counts = operation.code, operation.counts
  local isOnce = code == "O" or code == "M"
  local stop = stopOf(counts, code == "N" or code == "M")
  if stop > 0 and not isOnce then
    stopAt(counts, stop)
    waits = true
    return "=" .. stop
  end
  local ready, refusing = refusal(counts)
  if stop > 0 then return "=" .. refused(ready, refusing) end
  if ready > 0 then
    if not isOnce then
      stopAt(counts, ready == NEVER and AWAITS_RELEASE or AWAITS_TIME)
      waits = true
    end
    return refused(ready, refusing)
  end
  for index, count in pairs(counts) do
    if count > 0 then
      local definition = definitionOf(index)
      definition.algorithm.take(definition, stateOf(index), now, count, held, index)
      isChanged[index] = true
    end
  end
  latest, isTaken, isWritten = now, true, true
  return "+" .. text(now)
end

local function settle(operation)
  local counts, at = operation.counts, latest
  for _, count in pairs(counts) do
    -- Only to charge is the time needed: what leaks later leaks from what is left.
    if count > 0 then at = now end
  end
  for index, count in pairs(counts) do
    local definition, state = definitionOf(index), stateOf(index)
    local algorithm = definition.algorithm
    if count > 0 then
      algorithm.charge(definition, state, at, count)
      isChanged[index] = true
    elseif definition.kind == RESOURCE then
      if resource.giveBack(state, -count, held, index) > 0 then isChanged[index], cameBack = true, true end
    elseif algorithm.giveBack then
      algorithm.giveBack(definition, state, at, -count, operation.taken)
      isChanged[index], cameBack = true, true
    end
    -- Once through, a window's or a shaper's slot is gone.
  end
  latest, isTaken, isWritten = at, true, true
  return "."
end

local function inspect()
  local list = {}
  for index = 1, #specs do
    local definition, state = definitionOf(index), stateOf(index)
    local used = definition.algorithm.used(definition, state, now)
    list[index] = text(used) .. ":" .. waitText(definition.algorithm.readyAt(definition, state, now, 1))
  end
  return "#" .. concat(list, ",")
end

local function leave()
  for index, count in pairs(held) do
    if resource.giveBack(stateOf(index), count, held, index) > 0 then isChanged[index], cameBack = true, true end
  end
  hasLeft = true
  return "."
end

local answers = {}
for i, operation in ipairs(operations) do
  local code = operation.code
  if find("TNOM", code, 1, true) then answers[i] = take(operation)
  elseif code == "P" then answers[i] = refused(refusal(operation.counts))
  elseif code == "S" then answers[i] = settle(operation)
  elseif code == "I" then answers[i] = inspect()
  elseif code == "L" then answers[i] = leave()
  else
    if code == "R" then isWritten = true end
    answers[i] = "."
  end
end

local changes, count = {}, 0
local function change(field, value)
  changes[count + 1], changes[count + 2] = field, value
  count = count + 2
end

local spentAt = 0
for index in pairs(isChanged) do
  local definition, state = definitionOf(index), stateOf(index)
  local algorithm = definition.algorithm
  change(index, algorithm.write(state))
  if algorithm.spentAt then spentAt = math.max(spentAt, algorithm.spentAt(definition, state, now)) end
end
if isTaken then change("t", text(latest)) end
local ends = now + lease
if isWritten and not hasLeft and (not due or ends < due) then due = ends end
if due and due ~= NEVER and due ~= tonumber(found[3] or nil) then change("e", text(due)) end
local untilNext = due and due ~= NEVER and text(due - reading) or "~"
local reply = (isWritten and "ok 1 " or "ok 0 ") .. untilNext .. " " .. concat(answers, " ")
if isWritten and not hasLeft then
  change("s" .. sid, concat({ text(ends), text(seq), writePairs(held), reply }, " "))
  spentAt = math.max(spentAt, ends)
end
if waits and (wakeUntil < now + lease / 2 or (wakeWhom ~= sid and wakeWhom ~= "*")) then
  local whom = (wakeUntil > now and wakeWhom ~= sid) and "*" or sid
  change("w", text(now + lease) .. " " .. whom)
end
if hasLeft and session then redis.call("HDEL", key, "s" .. sid) end
if count > 0 then
  if not found[1] then change("d", definitionText) end
  if spentAt > expiresAt or not found[1] then
    -- A quarter longer than is needed, so that not every call has to put it off.
    expiresAt = math.min(math.max(spentAt, ends) + math.ceil((math.max(spentAt, ends) - now) / 4), EXACT)
    change("x", text(expiresAt))
    local ttl = math.ceil((expiresAt - now) / 1000)
    -- By a clock that somebody moves, no time on the server's is long enough; but keys of tests should not stay for ever.
    if isInjected then ttl = math.max(ttl, 3600000) end
    redis.call("HSET", key, unpack(changes))
    redis.call("PEXPIRE", key, text(ttl))
  else
    redis.call("HSET", key, unpack(changes))
  end
end
if cameBack and wakeUntil > now and wakeWhom ~= sid then redis.pcall("PUBLISH", channel, sid) end
return reply
`;
