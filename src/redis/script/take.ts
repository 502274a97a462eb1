/** How a request takes of all its limits, or is refused by some; how an acquisition is settled. */
import { SLOT } from "../slots.ts";

export const take = /* lua */ `
-- What the waiters of this call want that have been refused so far, and what the granted ones have taken, by limit: of all waiters, and
-- of nested ones.
local before, nestedBefore, granted, nestedGranted, NONE = {}, {}, {}, {}, {}

local function isOverdrawn(totals, gone)
  for index, total in pairs(totals) do
    local definition, state = limitOf(index)
    if state.inUse + total - (gone[index] or 0) > definition.ceiling then return true end
  end
  return false
end

-- The demand before a request: what the waiters want that its process has not asked for now, and what those want that it has. A nested
-- request does not wait behind those that may wait, however indirectly, for what its own caller holds: see src/waiting/taint.ts.
local function demandsBefore(request)
  if not request.totals or not isOverdrawn(request.totals, granted) then return request.demand, before end
  if isOverdrawn(request.nestedTotals, nestedGranted) then return NONE, NONE end
  return request.nestedDemand, nestedBefore
end

-- The counterpart of \`assembly/partitions/sooner.ts\`: a partition is turned to another tier when something is taken from it. Until then what is
-- used goes back as under the tier that it has: so a wait goes by that.
local function sooner(index, count, demand, at, ready)
  local slot, of = slots[floor(index / ${SLOT})], index % ${SLOT}
  local old = slot.before and slot.before.definitions[of]
  if not old or (old.kind > LEAKY_BUCKET and old.kind ~= FIXED_WINDOW) then return ready end
  for _, each in pairs(slot.limits) do
    -- An operation before has turned it.
    if isChanged[each] then return ready end
  end
  if old.kind ~= LEAKY_BUCKET then demand = math.max(0, old.ceiling - definitions[index].ceiling + count + demand - 1) end
  local sooner = old.algorithm.readyAt(old, slot.before.states[of], at, 1, demand)
  return math.max(sooner, at) > now and math.max(sooner, at) or ready
end

-- When a limit would grant so many units behind a demand; 0 if now. Nothing passes before the end of a pause: so the limit is asked as
-- of then.
local function ask(index, count, demand)
  local definition, state = limitOf(index)
  local at, paused = now, pauses[index]
  if paused and paused > now then
    if paused >= MOST then return NEVER end
    if definition.isShadow then return paused end
    at = paused
  end
  if count > definition.ceiling then return NEVER end
  if at > now and definition.kind == SLIDING_WINDOW then state = definition.algorithm.read(definition.algorithm.write(state)) end
  local ready = definition.algorithm.readyAt(definition, state, at, count, demand)
  if ready == 0 and at > now then ready = at end
  if ready > 0 and ready < NEVER and index >= ${SLOT} then return sooner(index, count, demand, at, ready) end
  return ready
end

local function waitText(ready)
  if ready == 0 then return "0" end
  return ready == NEVER and "~" or format("%d", math.min(ready - reading, MOST))
end

local function refused(index, ready)
  return format("%d:", index) .. waitText(ready)
end

-- When all limits would grant a request, 0 if now; which refuse, each with its wait; the shadows that let it pass; and why it is refused:
-- \`at\` is the limit that refuses it longest even with no other request, \`pausedAt\` the one whose pause ends last, \`contested\` are claims
-- without which it could go. Of the limits that refuse, a \`k\` marks one that would grant the request, and keeps its units for the waiters
-- before; a \`!\` one that is paused: for so many microseconds, or without a number for good. Windows add their facts, where waiters stand
-- before.
local function refusal(request, since)
  local base, batch = demandsBefore(request)
  local ready, moments = 0
  for index, count in pairs(request.counts) do
    local at = ask(index, count, (base[index] or 0) + (batch[index] or 0))
    if at ~= 0 then
      moments = moments or {}
      moments[index] = at
      if at > ready and not limitOf(index).isShadow then ready = at end
    end
  end
  local older = claimed[1] and claimsBefore(request, since)
  if not moments and not older then return 0 end
  local why, refusing, passed = {}, {}
  local plain, longest, pausedUntil = ready, 0, 0
  moments = moments or NONE
  for index, count in pairs(request.counts) do
    local definition, state = limitOf(index)
    local at, demand, isClaimed = moments[index] or 0, (base[index] or 0) + (batch[index] or 0), false
    if definition.isShadow then
      if at ~= 0 then
        passed = passed or {}
        passed[#passed + 1] = index
      end
    else
      if older and at ~= NEVER then
        local units, untilAt = keptBy(older, index, definition, math.max(plain, now))
        local behind = units > 0 and math.min(ask(index, count, demand + units), untilAt) or 0
        if behind > at then
          at, isClaimed = behind, true
          if plain == 0 then why.contested = older end
        end
      end
      if at ~= 0 then
        local text, paused = refused(index, at), pauses[index] or 0
        local bare = (demand > 0 or isClaimed) and ask(index, count, 0) or at
        if paused > now then
          text = text .. "!" .. (paused >= MOST and "" or format("%d", paused - reading))
          if paused > pausedUntil then why.pausedAt, pausedUntil = index, paused end
        end
        if bare == 0 then text = text .. "k"
        elseif bare > longest then why.at, longest = index, bare end
        if demand > 0 and not isClaimed and definition.algorithm.facts and paused <= now then
          text = text .. definition.algorithm.facts(definition, state, now, reading)
        end
        refusing[#refusing + 1] = text
        if at > ready then ready = at end
      end
    end
  end
  return ready, refusing, passed, why
end
`;

export const takeOrWait = /* lua */ `
-- A waiter has been refused: those behind it leave room for what it wants. Behind a pause it stands aside, and counts only there.
local function standBefore(request, pausedAt)
  waits = true
  for index, count in pairs(request.counts) do
    local definition = limitOf(index)
    if not definition.isShadow and (not pausedAt or request.isNested or pausedAt == index) then
      local demand = count
      if definition.kind == LEAKY_BUCKET then demand = definition.algorithm.demandOf(definition, count) end
      before[index] = (before[index] or 0) + demand
      if request.isNested then nestedBefore[index] = (nestedBefore[index] or 0) + demand end
    end
  end
end

local function take(request, since)
  local counts, isOnce = request.counts, request.isOnce
  local ready, refusing, passed, why = refusal(request, since)
  if ready > 0 then
    if why.contested then contest(why.contested, counts) end
    if not isOnce then
      -- A waiter behind a pause keeps back no other.
      if why.at and not why.pausedAt and now - since > GRACE then press(request, since, ready, why.at) end
      standBefore(request, why.pausedAt)
    end
    return "-" .. concat(refusing, ",")
  end
  local isPassed = NONE
  if passed then
    isPassed = {}
    for _, index in ipairs(passed) do isPassed[index] = true end
  end
  for index, count in pairs(counts) do
    if isPassed[index] then
      -- A shadow that lets pass has been asked under the tier of the view.
      local slot = slots and slots[floor(index / ${SLOT})]
      if slot then slot.isDirty = true end
    else
      local definition, state = limitOf(index)
      definition.algorithm.take(definition, state, now, count, held, index)
      isChanged[index] = true
      if not isOnce then
        granted[index] = (granted[index] or 0) + count
        if request.isNested then nestedGranted[index] = (nestedGranted[index] or 0) + count end
      end
    end
  end
  if claimed[1] and not isOnce then unclaim(counts, since) end
  latest, isTaken, isWritten = now, true, true
  return "+" .. stampText(stamp) .. (passed and "/" .. concat(passed, ",") or "")
end

local function settle(counts, token)
  local at = latest
  for _, count in pairs(counts) do
    -- Only charges need the time: a debt that leaks later leaks from the rest.
    if count > 0 then at = now end
  end
  local answer = "."
  for index, count in pairs(counts) do
    local definition, state = limitOf(index)
    local algorithm = definition.algorithm
    if count > 0 then
      if definition.kind ~= RESOURCE then
        algorithm.charge(definition, state, at, count)
        isChanged[index] = true
      end
    elseif definition.kind == RESOURCE then
      if algorithm.giveBack(state, -count, held, index) > 0 then
        isChanged[index] = true
        comesBack(index)
      end
    elseif algorithm.giveBack then
      local back = algorithm.giveBack(definition, state, at, -count, token)
      if back > 0 then answer = answer .. format("%d:%d,", index, back) end
      isChanged[index] = true
      comesBack(index)
    end
    -- Other windows and a leaky bucket give nothing back.
  end
  latest, isTaken, isWritten = at, true, true
  return answer
end
`;
